#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Checks a document of OpenAPI 3.1 that mcp-http.sh has fetched: what it must have, that all
references lead somewhere, and, where the packages are installed, by the validators."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)


def true(condition, what):
    if not condition:
        raise SystemExit(f"not true: {what}")


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


true(document["openapi"] == "3.1.0", "version")
for reference in references(document):
    true(reference.startswith("#/"), f"{reference} is in the document")
    at = document
    for part in reference[2:].split("/"):
        true(part in at, f"{reference} leads somewhere")
        at = at[part]
paths = document["paths"]
true("/call/hidden" not in paths, "a forbidden service is left out")
true("call.hidden" not in document["components"]["schemas"], "its schema, too")
operations = [operation for path in paths.values() for operation in path.values()]
ids = [operation["operationId"] for operation in operations]
true(len(ids) == len(set(ids)), "operationId is unique")
add = paths["/call/add"]
true(set(add) == {"get", "post"}, "a service without effects has GET")
true(add["post"]["requestBody"]["required"] is True, "its body is required")
true([p["name"] for p in add["get"]["parameters"][:2]] == ["a", "b"], "its query has the arguments")
true(set(paths["/call/fail"]) == {"post"}, "another one has not")
true("requestBody" not in paths["/call/fail"]["post"], "and without arguments no body")
true("*/*" in paths["/call/count"]["post"]["requestBody"]["content"], "input is any body")
true(paths["/call/once"]["post"]["parameters"][1]["required"] is True, "a key is required")
true(len(document["components"]["schemas"]["call.every"]["properties"]) == 11, "all types")
try:
    import openapi_spec_validator
    openapi_spec_validator.validate(document)
except ImportError:
    print("openapi_spec_validator is not installed")
try:
    import jsonschema
    every = dict(document["components"]["schemas"]["call.every"])
    jsonschema.Draft202012Validator.check_schema(every)
    jsonschema.validate({"t": "a", "i": 1, "d": 0.5, "f": True, "c": "a", "p": "/srv/x", "n": "n-1",
                         "h": "::1", "x": "abc", "s": "1K", "u": "5s"}, every,
                        jsonschema.Draft202012Validator)
    for wrong in ({"i": 0}, {"c": "z"}, {"n": ".x"}, {"x": "d"}, {"s": "1Q"}, {"u": "5"}, {"y": 1},
                  {"f": "yes"}):
        try:
            jsonschema.validate(wrong, every, jsonschema.Draft202012Validator)
        except jsonschema.ValidationError:
            continue
        raise SystemExit(f"{wrong} is no call of the service")
except ImportError:
    print("jsonschema is not installed")
