"""Texts, globs and label selectors as CEL says them, in the folded blocks of YAML."""

from __future__ import annotations

from collections.abc import Iterable

from rke2_policies.label_selector import Requirement, Selector

_IN_PATTERNS = frozenset("\\.+*?()|[]{}^$")


def literal(text: str) -> str:
    """Write a text as a literal of CEL, on one line and in characters that YAML allows."""
    return f"'{''.join(map(_escaped, text))}'"


def literals(texts: Iterable[str]) -> str:
    """Write texts as a list of CEL."""
    return f"[{', '.join(map(literal, texts))}]"


def matching(pattern: str) -> str:
    """Write a glob with `*` and `?` as a regular expression, in a literal of CEL."""
    parts = {"*": ".*", "?": "."}
    quoted = (f"\\{one}" if one in _IN_PATTERNS else one for one in pattern)
    wild = (parts.get(one, mark) for one, mark in zip(pattern, quoted, strict=True))
    return literal(f"(?s)^{''.join(wild)}$")


def selecting(selector: Selector) -> str:
    """Write whether the labels of `object` are those that a selector selects."""
    return " && ".join(map(_requirement, selector.requirements)) or "true"


def _requirement(one: Requirement) -> str:
    labels, key = "object.metadata.labels", literal(one.key)
    there = f"has({labels}) && {key} in {labels}"
    match one.operator:
        case "Exists":
            return f"({there})"
        case "DoesNotExist":
            return f"!({there})"
        case "In":
            return f"({there} && {labels}[{key}] in {literals(one.values)})"
        case _:
            return f"!({there} && {labels}[{key}] in {literals(one.values)})"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character == " " or character.isprintable():
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
