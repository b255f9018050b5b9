"""Prints the template as the SAM transform hands it to CloudFormation: transform.py TEMPLATE NAME=VALUE...

CloudFormation gives list parameters to a transform as lists, as is done here.
"""

import json
import sys

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

path, *pairs = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    template = yaml_parse(file.read())
# What `sam deploy` puts there once it has uploaded the code.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code.zip"
parameters = dict(pair.split("=", 1) for pair in pairs)
for name, value in parameters.items():
    if template["Parameters"][name]["Type"] == "CommaDelimitedList":
        parameters[name] = value.split(",")
print(json.dumps(Translator({}, Parser()).translate(template, parameters)))
