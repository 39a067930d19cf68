"""Fragments: new pieces of YAML and JSON, written the way the file around them is written.

ruamel.yaml writes them. It takes 25 ms to load, more than the rest of the work on one file, so
what holds nothing but plain words is written here, in the same words (`test_bytes.py` compares
the two). All lines start in column 0: their place is the caller's business.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple

from rke2_policies.lazy_pattern import lazily
from rke2_policies.route import Json
from rke2_policies.scalars import plain


class Style(NamedTuple):
    """How a file writes its YAML. Lengths are columns; quotes are "", "'" or '"'."""

    step: int = 2
    """From a key to the keys below it."""
    offset: int = 2
    """From a key to the dashes below it."""
    gap: int = 1
    """From a dash to its item: the blanks between."""
    quotes: str = ""
    key_quotes: str = ""


class JsonStyle(NamedTuple):
    """How a file writes its JSON."""

    indent: str | None = None
    """One level's indentation; None where all is on one line."""
    comma: str = ", "
    """Between two entries on one line."""
    colon: str = ": "
    flat_lists: bool = False
    """Lists stand on one line, also where objects do not."""


# Words that need no quotes in block or flow, in YAML 1.1 or 1.2, whatever stands around them.
_WORD = lazily(r"[A-Za-z_/][A-Za-z0-9_./=+@-]*")
_BREAKS = lazily("[\r\n\x85\u2028\u2029]")


def entry(key: str, value: Json, style: Style) -> list[str]:
    """Return the lines of `key: value` as an entry of a block mapping."""
    return list(_entry(_packed({key: value}), style))


def item(value: Json, style: Style) -> list[str]:
    """Return the lines of `- value` as an item of a block sequence."""
    return [line[style.offset :] for line in entry("k", [value], style)[1:]]


def scalar(value: Json, style: Style) -> str:
    """Return a scalar (or an empty collection) as it stands behind a dash or a colon in a block."""
    return item(value, style._replace(offset=0, gap=1))[0].removeprefix("- ")


def flow(value: Json, style: Style) -> str:
    """Return a value in flow style, on one line, as it stands between brackets."""
    return _flow(_packed([value]), style.quotes, style.key_quotes)[1:-1]


def flow_entry(key: str, value: Json, style: Style) -> str:
    """Return `key: value` as an entry of a flow mapping."""
    return flow({key: value}, style)[1:-1]


def key_alone(name: str, quotes: str, *, in_flow: bool) -> str:
    """Return a key as it stands before its colon."""
    style = Style(key_quotes=quotes)
    written = flow_entry(name, None, style) if in_flow else entry(name, None, style)[0]
    return written.removesuffix(": null")


def json_lines(value: Json, style: JsonStyle) -> list[str]:
    """Return the lines of a value as JSON; the first one stands where the value starts."""
    if style.indent is None or value in ([], {}) or not isinstance(value, list | dict):
        return [json.dumps(value, ensure_ascii=False, separators=(style.comma, style.colon))]
    if isinstance(value, list) and style.flat_lists:
        return json_lines(value, style._replace(indent=None))
    if isinstance(value, list):
        entries, brackets = [json_lines(item, style) for item in value], "[]"
    else:
        entries, brackets = [json_entry(key, item, style) for key, item in value.items()], "{}"
    lines = [brackets[0]]
    for entry in entries:
        lines += [style.indent + line for line in entry]
        lines[-1] += ","
    lines[-1] = lines[-1].removesuffix(",")
    return [*lines, brackets[1]]


def json_entry(key: str, value: Json, style: JsonStyle) -> list[str]:
    """Return the lines of `"key": value` as an entry of a JSON object."""
    first, *below = json_lines(value, style)
    return [json.dumps(key, ensure_ascii=False) + style.colon + first, *below]


def _packed(value: Json) -> str:
    # Hundreds of fixes write the same few fragments: as text a value can be a cache's key.
    return json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=512)
def _entry(packed: str, style: Style) -> tuple[str, ...]:
    value = json.loads(packed)
    lines = _in_words(value, style)
    if lines is None:
        lines = _dumped(value, style, in_flow=False).split("\n")
    return tuple(lines)


@lru_cache(maxsize=512)
def _flow(packed: str, quotes: str, key_quotes: str) -> str:
    value = json.loads(packed)
    style = Style(quotes=quotes, key_quotes=key_quotes)
    written = _flow_in_words(value, style)
    return _dumped(value, style, in_flow=True) if written is None else written


def _in_words(mapping: dict[str, Json], style: Style) -> list[str] | None:
    """Write a block mapping of plain words; None where it takes more than that."""
    lines: list[str] = []
    for key, value in mapping.items():
        name = _word(key, style.key_quotes)
        if name is None:
            return None
        match value:
            case [_, *_]:
                below = _items_in_words(value, style)
            case {**entries} if entries:
                inner = _in_words(value, style)
                below = inner and [" " * style.step + line for line in inner]
            case _:
                word = _word(value, style.quotes)
                below, name = (None if word is None else []), f"{name}: {word}"
        if below is None:
            return None
        lines += [name if not below else f"{name}:", *below]
    return lines


def _items_in_words(items: list[Json], style: Style) -> list[str] | None:
    lines: list[str] = []
    dash = " " * style.offset + "-" + " " * style.gap
    for value in items:
        match value:
            case [_, *_]:
                return None
            case {**entries} if entries:
                inner = _in_words(value, style)
            case _:
                word = _word(value, style.quotes)
                inner = None if word is None else [word]
        if inner is None:
            return None
        lines.append(dash + inner[0])
        lines += [" " * len(dash) + line for line in inner[1:]]
    return lines


def _flow_in_words(value: Json, style: Style) -> str | None:
    match value:
        case [_, *_]:
            items = [_flow_in_words(item, style) for item in value]
            return None if None in items else f"[{', '.join(map(str, items))}]"
        case {**entries} if entries:
            pairs = [
                (_word(k, style.key_quotes), _flow_in_words(v, style)) for k, v in entries.items()
            ]
            if any(None in pair for pair in pairs):
                return None
            return f"{{{', '.join(f'{k}: {v}' for k, v in pairs)}}}"
        case _:
            return _word(value, style.quotes)


def _word(value: Json, quotes: str) -> str | None:
    """Write a scalar or an empty collection; None where ruamel.yaml must look at it."""
    match value:
        case str():
            if len(value) > 100 or not _WORD.fullmatch(value):
                return None
            return f"{quotes}{value}{quotes}" if quotes or plain(value) == value else f'"{value}"'
        case float():
            return None
        case _:
            return json.dumps(value)


def _dumped(value: Json, style: Style, *, in_flow: bool) -> str:
    """Let ruamel.yaml write a value, without the newline at the end."""
    from io import StringIO

    from ruamel.yaml import YAML

    writer = YAML()
    writer.Representer = _representer()
    writer.width = 1 << 30
    writer.default_flow_style = in_flow
    writer.brace_single_entry_mapping_in_flow_sequence = True
    if not in_flow:
        writer.indent(style.step, style.offset + 1 + style.gap, style.offset)
    out = StringIO()
    writer.dump(_quoted(value, style), out)
    return out.getvalue().removesuffix("\n")


@lru_cache(maxsize=1)
def _representer() -> Any:
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        def represent_null(self, _: None) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:null", "null")

        def ignore_aliases(self, _: Any) -> bool:
            return True  # no anchors for what is written twice

    Representer.add_representer(type(None), Representer.represent_null)
    return Representer


def _quoted(value: Json, style: Style) -> Json:
    match value:
        case str():
            return _quoted_text(value, style.quotes)
        case list():
            return [_quoted(item, style) for item in value]
        case dict():
            return {
                _quoted_text(key, style.key_quotes): _quoted(item, style)
                for key, item in value.items()
            }
        case _:
            return value


def _quoted_text(text: str, quotes: str) -> Any:
    """Return a text as ruamel.yaml must be given it, for it to come out in quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

    # What go-yaml would not read as text; and line breaks, which only `"` has escapes for.
    if _BREAKS.search(text) or (not quotes and plain(text) != text):
        quotes = '"'
    match quotes:
        case '"':
            return DoubleQuotedScalarString(text)
        case "'":
            return SingleQuotedScalarString(text)
        case _:
            return text
