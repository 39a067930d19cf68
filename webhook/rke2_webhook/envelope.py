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
    # Plain comparisons: patterns took a quarter of the time that reading the JSON takes.
    if not isinstance(review, dict) or not {"apiVersion", "kind"} <= review.keys():
        raise NotAReviewError("not a review: no apiVersion and kind")
    if review["kind"] != KIND:
        raise NotAReviewError(f"not a review: its kind is not {KIND}")
    if review["apiVersion"] != API_VERSION:
        raise NotAReviewError(f"not {API_VERSION}, which is all that is spoken here")
    request = review.get("request")
    if not isinstance(request, dict):
        raise NotAReviewError("not a review: no request")
    uid = request.get("uid")
    if not isinstance(uid, str) or not uid:
        raise NotAReviewError("not a review: no request with a uid")
    return review
