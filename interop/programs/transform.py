"""Prints the template as the SAM transform hands it to CloudFormation: transform.py TEMPLATE ORIGIN...

CloudFormation gives list parameters to a transform as lists, as is done here.
"""

import json
import sys

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

path, *origins = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    template = yaml_parse(file.read())
# What `sam deploy` puts there once it has uploaded the code.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code.zip"
transformed = Translator({}, Parser()).translate(template, {"AllowedOrigins": origins})
print(json.dumps(transformed))
