"""A bus whose events go to a queue: event_bus.py ENDPOINT BUS [create|receive]

`create` makes both, with the example rule's pattern widened to all events of ours. `receive` prints a JSON
list of the events that have arrived since it was last asked.
"""

import json
import os
import sys

import boto3

endpoint, bus, command = sys.argv[1:]


def client(service):
    return boto3.client(service, endpoint_url=endpoint, region_name=os.environ["AWS_REGION"])


events, sqs = client("events"), client("sqs")
if command == "create":
    events.create_event_bus(Name=bus)
    queue = sqs.create_queue(QueueName=bus)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = json.dumps({"source": ["anteroom.livekit"]})
    events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)
    target = {"Id": "queue", "Arn": attributes["QueueArn"]}
    events.put_targets(Rule="all", EventBusName=bus, Targets=[target])
else:
    queue = sqs.get_queue_url(QueueName=bus)["QueueUrl"]
    found = []
    while True:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        messages = answer.get("Messages", [])
        if not messages:
            break
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    print(json.dumps(found))
