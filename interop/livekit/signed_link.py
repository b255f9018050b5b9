"""Signs a link with boto3 as if it were another time: signed_link.py JSON

JSON is {"endpoint", "region", "bucket", "key", "id", "secret", "token", "date", "expires", "type"}; the link
is printed.
"""

import datetime
import json
import os
import sys

# The time is set below in boto3's own signer, not in the one of AWS's common runtime.
os.environ["BOTO_DISABLE_CRT"] = "true"

import boto3
import botocore.auth
from botocore.config import Config

asked = json.loads(sys.argv[1])
moment = datetime.datetime.strptime(asked["date"], "%Y%m%dT%H%M%SZ")


class Then(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return moment

    @classmethod
    def now(cls, tz=None):
        return moment.replace(tzinfo=tz)


if hasattr(botocore.auth, "get_current_datetime"):
    botocore.auth.get_current_datetime = lambda *_, **__: moment
else:
    botocore.auth.datetime = type("datetime", (), {"datetime": Then})

client = boto3.client(
    "s3",
    endpoint_url=asked["endpoint"],
    region_name=asked["region"],
    aws_access_key_id=asked["id"],
    aws_secret_access_key=asked["secret"],
    aws_session_token=asked["token"],
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)
print(
    client.generate_presigned_url(
        "get_object",
        Params={"Bucket": asked["bucket"], "Key": asked["key"], "ResponseContentType": asked["type"]},
        ExpiresIn=asked["expires"],
    )
)
