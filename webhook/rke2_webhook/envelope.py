"""The envelope: what must be so before anything can be called an AdmissionReview v1."""

from __future__ import annotations

from typing import Any

import orjson

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"


class NotAReviewError(ValueError):
    """The bytes are no AdmissionReview v1; the message says why, and quotes nothing of them."""


def open_review(body: bytes | bytearray) -> dict[str, Any]:
    """Return the review in `body`, whose `request` is an object with a `uid`, or raise NotAReviewError."""
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The library's message quotes nothing, but its exception holds the whole document.
        raise NotAReviewError(f"not JSON: {error.msg}") from None
    match review:
        case {"apiVersion": str(version), "kind": str(kind)}:
            if kind != KIND:
                raise NotAReviewError(f"not a review: its kind is not {KIND}")
            if version != API_VERSION:
                raise NotAReviewError(f"not {API_VERSION}, which is all that is spoken here")
        case _:
            raise NotAReviewError("not a review: no apiVersion and kind")
    match review:
        case {"request": {"uid": str(uid)}} if uid:
            opened: dict[str, Any] = review
            return opened
        case _:
            raise NotAReviewError("not a review: no request with a uid")
