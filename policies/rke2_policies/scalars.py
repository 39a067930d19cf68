"""Scalars: what a piece of YAML text means to go-yaml v2.4.0, which RKE2 and Kubernetes read with.

YAML 1.1, with go-yaml's own mind about it (github.com/go-yaml/yaml at v2.4.0, `resolve.go` and
`decode.go`): `yes` and `on` are true, `0600` and `0o600` are 384, `1_000` is 1000, `0b-11` is -3,
dates stay text, and so do numbers in base 60.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from struct import pack, unpack

from rke2_policies.lazy_pattern import lazily
from rke2_policies.route import Json

_TAG = "tag:yaml.org,2002:"
STR, BOOL, INT, FLOAT, NULL, TIMESTAMP, BINARY, MERGE = (
    _TAG + name for name in ("str", "bool", "int", "float", "null", "timestamp", "binary", "merge")
)

_WORDS: dict[str, Json] = {
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True
    ),
    **dict.fromkeys(
        ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False
    ),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_NUMERIC = frozenset("+-.0123456789")
MEANINGFUL = _NUMERIC | frozenset("yYnNtTfFoO~")
"""The first characters of plain scalars that may be anything but text (and so may the empty one)."""

# What strconv.ParseInt(text, 0, 64) takes. go-yaml removes the underscores before it asks.
_INTEGER = lazily(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)")
_FLOAT = lazily(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_FRACTION = lazily(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_BINARY_DIGITS = lazily(r"[-+]?[01]+")
_TIME = lazily(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]| +)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_BASE64 = lazily(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")

_seen: dict[str, Json] = {}
_SEEN_LIMIT = 4096


class ScalarError(ValueError):
    """go-yaml refuses the whole file because of this scalar."""


def plain(text: str) -> Json:
    """Return what an untagged plain scalar means."""
    if text and text[0] not in MEANINGFUL:
        return text
    if text in _seen:
        return _seen[text]
    value = _plain(text)
    if len(_seen) < _SEEN_LIMIT:
        _seen[text] = value
    return value


def resolve(text: str, style: str, tag: str | None) -> Json:
    """Return what a scalar means. `tag` is written out in full; ScalarError where it does not fit."""
    if tag is None:
        return text if style else plain(text)
    if tag in (STR, "!"):
        return text
    if tag == BINARY:
        return _binary(text)
    if tag == TIMESTAMP:
        if not _is_time(text):
            raise ScalarError(f"{_short(text)} is not a !!timestamp")
        return text
    if tag not in (BOOL, INT, FLOAT, NULL):
        return text
    value = _plain(text)
    match value:
        case bool():
            fits = tag == BOOL
        case int():
            # An integer that only fits uint64 is no float to go-yaml.
            fits = tag == INT or (tag == FLOAT and value < 1 << 63)
        case float():
            fits = tag == FLOAT
        case None:
            fits = tag == NULL
        case _:
            fits = False
    if not fits:
        raise ScalarError(f"{_short(text)} is not a !!{tag.removeprefix(_TAG)}")
    return float(value) if tag == FLOAT else value


def is_merge(text: str, style: str, tag: str | None) -> bool:
    """Say whether a key is the merge key: a plain `<<`, or one with the tag `!!merge` or `!`."""
    return text == "<<" and (not style if tag is None else tag in ("!", MERGE))


def key_text(value: Json) -> str | None:
    """Return the text that sigs.k8s.io/yaml makes of a key; None where it refuses the object."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value < 1 << 63:
            return str(value)
        case float():
            return _float_text(value)
    return None


def _plain(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if text[0] == ".":
        return _float(text, text) if _FRACTION.fullmatch(text) else text
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(digits):
        number = _integer(digits)
        if _fits(number, digits):
            return number
    if _FLOAT.fullmatch(digits):
        number = _float(digits, None)
        if number is not None:
            return number
    # go-yaml tries binary once more, without the prefix, and so reads a sign behind it.
    sign, behind = ("-", digits[3:]) if digits.startswith("-0b") else ("", digits[2:])
    if digits.startswith(("0b", "-0b")) and _BINARY_DIGITS.fullmatch(sign + behind):
        number = int(sign + behind, 2)
        if _fits(number, sign + behind) and not (sign and number >= 1 << 63):
            return number
    return text


def _integer(digits: str) -> int:
    unsigned = digits.lstrip("+-")
    if unsigned[:2] in ("0x", "0X", "0b", "0B"):
        number = int(unsigned, 0)
    elif unsigned[0] == "0":
        number = int(unsigned.lstrip("0oO") or "0", 8)
    elif len(unsigned) > 20:
        return 1 << 64  # does not fit, and int() refuses thousands of digits
    else:
        number = int(unsigned)
    return -number if digits[0] == "-" else number


def _fits(number: int, digits: str) -> bool:
    """Say whether go-yaml's integers hold a number: int64, and uint64 where there is no sign."""
    return -(1 << 63) <= number < (1 << 63 if digits[0] in "+-" else 1 << 64)


def _float(digits: str, otherwise: Json) -> Json:
    number = float(digits)
    return otherwise if number in (float("inf"), float("-inf")) else number


def _binary(text: str) -> str:
    packed = text.replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(packed):
        raise ScalarError("!!binary holds no base64")
    try:
        data = a2b_base64(packed)
    except Base64Error:
        raise ScalarError("!!binary holds no base64") from None
    # Go's JSON puts U+FFFD in the place of every byte that is no UTF-8.
    return re.sub("[\udc80-\udcff]", "\ufffd", data.decode("utf-8", "surrogateescape"))


def _is_time(text: str) -> bool:
    """Say whether Go's time.Parse takes a text in one of the four layouts of go-yaml."""
    found = _TIME.fullmatch(text)
    if not found:
        return False
    year, month, day, hour, minute, second, zone = found.groups()
    if not 1 <= int(month) <= 12:
        return False
    leap = int(year) % 4 == 0 and (int(year) % 100 != 0 or int(year) % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[int(month) - 1]
    if not 1 <= int(day) <= days:
        return False
    if hour is None:
        return True
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return False
    # With a `T` there must be a zone; with a blank there must be none.
    if (" " in text) == (zone is not None):
        return False
    return zone in (None, "Z") or (int(zone[1:3]) <= 24 and int(zone[4:]) <= 60)


def _float_text(value: float) -> str:
    """Write a float as sigs.k8s.io/yaml writes a key: Go's FormatFloat(value, 'g', -1, 32)."""
    if value != value:
        return ".nan"
    single = _single(value)
    if single in (float("inf"), float("-inf")):
        return ".inf" if single > 0 else "-.inf"
    # The fewest digits that lead back to the same float32; nine are always enough.
    text = next(t for t in (f"{single:.{n}e}" for n in range(9)) if _single(float(t)) == single)
    mantissa, _, exponent = text.partition("e")
    power = int(exponent)
    if -4 <= power < 6:
        decimals = max(0, len(mantissa.replace(".", "").lstrip("-")) - 1 - power)
        return f"{float(text):.{decimals}f}"
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _single(value: float) -> float:
    try:
        return float(unpack(">f", pack(">f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _short(text: str) -> str:
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}...`"
