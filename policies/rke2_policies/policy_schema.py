"""The JSON Schema (2020-12) of policy files, for editors and checks, made from the table of keys."""

from __future__ import annotations

from typing import Any

from rke2_policies import catalog
from rke2_policies.pin import VARIABLE
from rke2_policies.policy_keys import (
    LEVELS_OF_RULES,
    OVERRIDE,
    PARAMS,
    POLICY,
    REQUIRED_SETTING,
    ByName,
    Glob,
    Key,
    LabelSelector,
    Many,
    RuleName,
    Section,
    Shape,
    Text,
    Values,
    Word,
)

Schema = dict[str, Any]

ID = "https://rke2-lint.dev/policy.schema.json"

# path_glob.py says what is wrong with a glob; ranges in brackets are all that is not said here.
_STEP = r"(?!\.{1,2}(?:/|$))[^/\\]+"
_GLOB = rf"^(?=[\s\S]*\S)(?!!)(?:\./)?(?:\.\./)*/?{_STEP}(?:/{_STEP})*/?$"
# label_selector.py, after k8s.io/apimachinery pkg/util/validation.
_LABEL_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_PREFIX = (
    r"(?=[^/]{1,253}/)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*/"
)
_LABEL_KEY = rf"^(?:{_LABEL_PREFIX})?{_LABEL_NAME}$"
_LABEL_VALUE = rf"^(?:{_LABEL_NAME})?$"
# Something other than white space.
_ITEM = rf"^(?!\s*{VARIABLE})[\s\S]*\S"
_NULL: Schema = {"type": "null"}


def schema() -> Schema:
    """Return the schema. It takes what the reader takes, but for what `extends` has to find."""
    whole = _section(POLICY)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "A policy of rke2-lint and rke2-webhook",
        "description": "What an organisation wants: .rke2-lint.yaml, the table tool.rke2-lint of "
        "pyproject.toml, or the webhook's policy.",
        "anyOf": [_NULL, whole],
        "$defs": {
            "rule": {"enum": list(catalog.names())},
            "glob": {"type": "string", "pattern": _GLOB, "maxLength": 1000},
            "labelSelector": _label_selector(),
            "item": {"type": "string", "pattern": _ITEM},
            "value": _value(),
            "requiredSetting": {"anyOf": [_ref("value"), _section(REQUIRED_SETTING)]},
            "levels": _by_name(LEVELS_OF_RULES),
            "params": _section(PARAMS),
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _of(shape: Shape) -> Schema:
    """Return the schema of a shape."""
    match shape:
        case Section():
            return _ref("params") if shape is PARAMS else _section(shape)
        case ByName():
            return _ref("levels") if shape is LEVELS_OF_RULES else _by_name(shape)
        case Many(item, at_least):
            least = {"minItems": at_least} if at_least else {}
            return {"type": "array", "items": _of(item), **least}
        case Word(choices) if "off" in choices:
            off = {"const": False, "description": "`off`, as YAML 1.1 reads it."}
            return {"anyOf": [{"enum": list(choices)}, off]}
        case Word(choices):
            return {"enum": list(choices)}
        case RuleName():
            return _ref("rule")
        case Glob():
            return _ref("glob")
        case Text(pattern):
            return {"type": "string", "pattern": pattern}
        case LabelSelector():
            return _ref("labelSelector")
        case Values(in_full):
            return _ref("requiredSetting" if in_full else "value")
        case _:
            raise TypeError(shape)


def _by_name(shape: ByName) -> Schema:
    value = _of(shape.value)
    if shape.nullable:
        value = {"anyOf": [value, _NULL]}
    if shape.kind == "rule":
        return _closed(
            {name: {"description": catalog.rule(name).summary, **value} for name in shape.names}
        )
    return {
        "type": "object",
        "propertyNames": {"enum": list(shape.names)},
        "additionalProperties": value,
    }


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _section(section: Section) -> Schema:
    found = _closed({key.name: _key(key) for key in section.keys})
    required = [key.name for key in section.keys if key.required]
    if required:
        found["required"] = required
    if section is OVERRIDE:
        found["allOf"] = _of_override()
    return found


def _key(key: Key) -> Schema:
    own = _of(key.shape)
    if not key.required:
        own = {"anyOf": [own, _NULL]}
    about: Schema = {"description": key.says, "examples": [key.example]}
    if isinstance(key.shape, Word) and key.default in key.shape.choices:
        about["default"] = key.default
    return {**about, **own}


def _said(key: str, *, at_least: str = "") -> Schema:
    """Return the schema of a mapping that says a key, and where it is a collection, something."""
    empty: Schema = {at_least: 1} if at_least else {}
    return {"required": [key], "properties": {key: {"not": _NULL, **empty}}}


def _of_override() -> list[Schema]:
    condition = [
        _said("paths", at_least="minItems"),
        _said("clusters", at_least="minItems"),
        _said("labels", at_least="minProperties"),
    ]
    params = {"anyOf": [_said(key.name) for key in PARAMS.keys]}
    change = [
        _said("levels", at_least="minProperties"),
        {"required": ["params"], "properties": {"params": {"type": "object", **params}}},
    ]
    backend = {"type": "object", **_said("backend")}
    return [
        {"anyOf": condition},
        {"anyOf": change},
        {
            "if": {"required": ["params"], "properties": {"params": backend}},
            "then": _said("reason"),
        },
    ]


def _value() -> Schema:
    items = {"type": "array", "items": _ref("item"), "minItems": 1}
    return {"anyOf": [_ref("item"), {"type": ["boolean", "integer"]}, items]}


def _label_selector() -> Schema:
    value = {"type": "string", "pattern": _LABEL_VALUE}
    labels = {
        "type": ["object", "null"],
        "propertyNames": {"pattern": _LABEL_KEY},
        "additionalProperties": value,
    }
    expression = {
        "type": "object",
        "required": ["key", "operator"],
        "properties": {
            "key": {"type": "string", "pattern": _LABEL_KEY},
            "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
            "values": {"type": ["array", "null"], "items": value},
        },
        "if": {"properties": {"operator": {"enum": ["In", "NotIn"]}}},
        "then": _said("values", at_least="minItems"),
        "else": {"properties": {"values": {"maxItems": 0}}},
    }
    return _closed(
        {
            "matchLabels": labels,
            "matchExpressions": {"type": ["array", "null"], "items": expression},
        }
    )
