"""What plain, quoted and tagged scalars mean to go-yaml v2.4.0."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rke2_policies.route import same
from rke2_policies.scalars import ScalarError, is_merge, key_text, plain, resolve

LONG = "tag:yaml.org,2002:"

PLAIN = [
    # what people write into RKE2's files
    ("IPTABLES_MODE=nft", "IPTABLES_MODE=nft"),
    ("v1.33.4+rke2r1", "v1.33.4+rke2r1"),
    ("10.42.0.0/16", "10.42.0.0/16"),
    ("0600", 384),
    ("0o600", 384),
    ("no", False),
    ("on", True),
    ("25%", "25%"),
    ("1e3", 1000.0),
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    # null
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
    # booleans
    ("y", True), ("Y", True), ("yes", True), ("Yes", True), ("YES", True), ("yEs", "yEs"),
    ("true", True), ("True", True), ("TRUE", True), ("On", True), ("ON", True),
    ("n", False), ("N", False), ("No", False), ("NO", False), ("false", False), ("False", False),
    ("FALSE", False), ("off", False), ("Off", False), ("OFF", False), ("oFF", "oFF"),
    # integers
    ("0", 0), ("-0", 0), ("+12", 12), ("-12", -12), ("1_000", 1000), ("1_", 1), ("_1", "_1"),
    ("1__0", 10), ("-_1", -1), ("0x1F", 31), ("0X1f", 31), ("-0x1F", -31), ("0x", "0x"),
    ("0b101", 5), ("0B101", 5), ("-0b11", -3), ("0b-11", -3), ("0b+11", 3), ("-0b-11", "-0b-11"),
    ("0b2", "0b2"), ("0O17", 15), ("-0600", -384), ("0_600", 384), ("00", 0), ("0o8", "0o8"),
    ("9223372036854775807", 2**63 - 1), ("9223372036854775808", 2**63),
    ("18446744073709551615", 2**64 - 1), ("18446744073709551616", 2.0**64),
    ("-9223372036854775808", -(2**63)), ("-9223372036854775809", -(2.0**63)),
    ("+9223372036854775808", 2.0**63), ("0x10000000000000000", "0x10000000000000000"),
    # floats
    ("08", 8.0), ("1.", 1.0), ("1.5", 1.5), (".5", 0.5), ("-.5", -0.5), ("+.5", 0.5), (".", "."),
    ("1e999", "1e999"), ("1e-999", 0.0), (".5_1", 0.51), (".5_", ".5_"), ("._5", "._5"),
    ("1_0.5", 10.5), ("1e1_0", 1e10), ("1.5e", "1.5e"), ("0x1p4", "0x1p4"), (".5e3", 500.0),
    (".inf", math.inf), ("+.INF", math.inf), ("-.Inf", -math.inf), (".NaN", math.nan),
    ("inf", "inf"), ("nan", "nan"), ("-inf", "-inf"),
    # no numbers in base 60, and text
    ("1:30", "1:30"), ("12:30:45", "12:30:45"), ("=", "="), ("<<", "<<"), ("-", "-"), ("+", "+"),
    ("--1", "--1"), ("\uff11", "\uff11"), ("1 2", "1 2"), ("1,000", "1,000"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), PLAIN, ids=[text or "empty" for text, _ in PLAIN])
def test_a_plain_scalar_means_what_go_yaml_says(text: str, value: object) -> None:
    assert same(plain(text), value)
    assert same(resolve(text, "", None), value)


@pytest.mark.parametrize("style", ["'", '"', "|", ">"])
@pytest.mark.parametrize("text", ["yes", "0600", "", "~", "1.5"])
def test_a_quoted_scalar_is_text(text: str, style: str) -> None:
    assert resolve(text, style, None) == text


TAGGED = [
    ("12", "", "str", "12"),
    ("yes", "", "str", "yes"),
    ("12", '"', "int", 12),
    ("12", "", "float", 12.0),
    ("1.5", "'", "float", 1.5),
    ("on", '"', "bool", True),
    ("", "", "null", None),
    ("~", '"', "null", None),
    ("2024-02-29", "", "timestamp", "2024-02-29"),
    ("2024-2-9T1:2:3.5Z", "", "timestamp", "2024-2-9T1:2:3.5Z"),
    ("2024-2-9 1:2:3", "", "timestamp", "2024-2-9 1:2:3"),
    ("bmZ0", "", "binary", "nft"),
    ("bm\nZ0", "|", "binary", "nft"),
    ("/w==", "", "binary", "\ufffd"),
    ("12", "", "set", "12"),
]


@pytest.mark.parametrize(
    ("text", "style", "tag", "value"), TAGGED, ids=[f"!!{tag} {text}" for text, _, tag, _ in TAGGED]
)
def test_a_tag_decides_what_a_scalar_is(text: str, style: str, tag: str, value: object) -> None:
    assert same(resolve(text, style, LONG + tag), value)


@pytest.mark.parametrize("tag", ["!", "!mine", "tag:example.com,2000:int"])
def test_other_tags_make_text(tag: str) -> None:
    assert resolve("12", "", tag) == "12"


REFUSED = [
    ("x", "int"), ("1.5", "int"), ("0x", "int"), ("yes", "int"), ("12", "bool"), ("x", "float"),
    ("18446744073709551615", "float"), ("x", "null"), ("12", "null"), ("a", "binary"),
    ("a===", "binary"), ("2024-02-30", "timestamp"), ("2023-02-29", "timestamp"),
    ("2024-13-01", "timestamp"), ("2024-01-01T01:02:03", "timestamp"),
    ("2024-01-01 01:02:03Z", "timestamp"), ("2024-01-01T24:00:00Z", "timestamp"),
    ("2024-01-01T00:60:00Z", "timestamp"), ("24-01-01", "timestamp"), ("x", "timestamp"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tag"), REFUSED, ids=[f"!!{tag} {text}" for text, tag in REFUSED])
def test_a_tag_that_does_not_fit_is_refused(text: str, tag: str) -> None:
    with pytest.raises(ScalarError, match=f"!!{tag}"):
        resolve(text, "", LONG + tag)


KEYS = [
    ("x", "x"), (True, "true"), (False, "false"), (12, "12"), (-1, "-1"), (1.5, "1.5"), (1e3, "1000"),
    (1e6, "1e+06"), (123456789.0, "1.2345679e+08"), (0.1, "0.1"), (0.0001, "0.0001"),
    (0.00001, "1e-05"), (-0.0, "-0"), (1e300, ".inf"), (-1e300, "-.inf"), (math.inf, ".inf"),
    (math.nan, ".nan"), (None, None), (2**63, None), (["x"], None), ({}, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), KEYS, ids=[repr(value) for value, _ in KEYS])
def test_a_key_becomes_the_text_that_kubernetes_makes_of_it(
    value: object, text: str | None
) -> None:
    assert key_text(value) == text


@pytest.mark.parametrize(
    ("text", "style", "tag", "merges"),
    [
        ("<<", "", None, True),
        ("<<", "'", None, False),
        ("<<", "", LONG + "str", False),
        ("<<", '"', LONG + "merge", True),
        ("<<", "", "!", True),
        ("<", "", None, False),
    ],
)
def test_the_merge_key_is_plain(text: str, style: str, tag: str | None, merges: object) -> None:
    assert is_merge(text, style, tag) is merges


@given(
    st.text("+-._0123456789abexoEXOinfyNu~", max_size=24) | st.text(max_size=8),
    st.sampled_from(["", "'"]),
    st.none()
    | st.sampled_from(
        ["!", *(LONG + t for t in ("str", "int", "float", "bool", "null", "binary", "timestamp"))]
    ),
)
def test_any_text_means_something_or_is_refused(text: str, style: str, tag: str | None) -> None:
    try:
        value = resolve(text, style, tag)
    except ScalarError:
        assert tag is not None
    else:
        assert value is None or isinstance(value, (str, bool, int, float))
