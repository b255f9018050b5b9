"""Creates a secret, or gives it a new version: put_secret.py ENDPOINT ID JSON"""

import os
import sys

import boto3

endpoint, secret_id, value = sys.argv[1:]
client = boto3.client(
    "secretsmanager", endpoint_url=endpoint, region_name=os.environ["AWS_REGION"]
)
try:
    client.create_secret(Name=secret_id, SecretString=value)
except client.exceptions.ResourceExistsException:
    client.put_secret_value(SecretId=secret_id, SecretString=value)
