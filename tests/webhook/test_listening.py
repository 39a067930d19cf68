"""Where the server listens, and what it makes of any bytes at all."""

from __future__ import annotations

import socket

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from serving import Starter, review

from rke2_webhook.envelope import NotAReviewError, open_review
from rke2_webhook.listener import bind

HAS_IPV6 = socket.has_dualstack_ipv6()

ANY_JSON = some.recursive(
    some.none() | some.booleans() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)
NEARLY_REVIEWS = some.fixed_dictionaries(
    {
        "apiVersion": some.just("admission.k8s.io/v1") | ANY_JSON,
        "kind": some.just("AdmissionReview") | ANY_JSON,
        "request": some.fixed_dictionaries({"uid": some.text() | ANY_JSON}) | ANY_JSON,
    }
)


@pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
def test_by_default_every_address_is_listened_on(start: Starter) -> None:
    server = start(review_address="", probe_address="")
    for address in ("127.0.0.1", "::1"):
        socket.create_connection((address, server.port), 2).close()
        socket.create_connection((address, server.probe_port), 2).close()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not HAS_IPV6, reason="no IPv6"))],
)
def test_an_address_is_listened_on_alone(address: str) -> None:
    with bind(address, 0) as bound:
        assert bound.getsockname()[0] == address


def test_without_ipv6_all_of_ipv4_is_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.has_dualstack_ipv6", lambda: False)
    with bind("", 0) as bound:
        assert bound.getsockname()[0] == "0.0.0.0"


def test_a_port_that_is_taken_is_told() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(OSError, match="Address already in use"):
            bind("127.0.0.1", taken.getsockname()[1])


def test_what_is_bound_is_not_open_yet() -> None:
    """Who comes before there is a certificate is refused at once, and does not wait."""
    with bind("127.0.0.1", 0) as bound, pytest.raises(ConnectionRefusedError):
        socket.create_connection(bound.getsockname(), 1)


@settings(max_examples=300, deadline=None)
@given(body=some.binary() | ANY_JSON.map(orjson.dumps) | NEARLY_REVIEWS.map(orjson.dumps))
def test_any_bytes_are_a_review_or_are_none(body: bytes) -> None:
    reason = ""
    try:
        opened = open_review(body)
    except NotAReviewError as error:
        reason = str(error)
    # What is said of it goes back, and into the log: nothing of theirs may be in it.
    assert len(reason) < 120
    assert reason.isascii()
    assert reason or opened["request"]["uid"]


def test_a_review_is_one() -> None:
    assert open_review(orjson.dumps(review())) == review()
