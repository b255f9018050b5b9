"""Puts objects into a bucket and reads back what is there: objects.py ENDPOINT BUCKET JSON

JSON is a list of {"key", "metadata"}; so is what is printed, with {"error"} for what was refused.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

endpoint, bucket, objects = sys.argv[1:]
client = boto3.client(
    "s3",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="interop",
    aws_secret_access_key="interop",
    config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
)
try:
    client.create_bucket(Bucket=bucket)
except client.exceptions.BucketAlreadyOwnedByYou:
    pass


def stored(key):
    """The one object whose key begins so, as S3 lists it, and its metadata."""
    (listed,) = client.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
    head = client.head_object(Bucket=bucket, Key=listed["Key"])
    return {"key": listed["Key"], "metadata": head["Metadata"]}


def put(key, metadata):
    try:
        client.put_object(
            Bucket=bucket, Key=key, Body=b"a recording", ContentType="video/mp4", Metadata=metadata
        )
    except (BotoCoreError, ClientError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return stored(key)


print(json.dumps([put(**each) for each in json.loads(objects)]))
