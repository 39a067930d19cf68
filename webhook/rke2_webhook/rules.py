"""The rules, as the server asks them: one answer for each endpoint, under the policy in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rke2_policies import catalog
from rke2_webhook.app import Answer
from rke2_webhook.live_policy import LivePolicy
from rke2_webhook.review import answer


def load(policy: LivePolicy) -> Mapping[str, Answer]:
    """Return what answers each endpoint's reviews, under the policy that is in force at the time."""
    catalog.rules()  # now, and not while the first request waits

    def mutate(review: dict[str, Any]) -> dict[str, Any]:
        return answer(review, policy.current, today=_today())

    def validate(review: dict[str, Any]) -> dict[str, Any]:
        return answer(review, policy.current, validate=True, today=_today())

    return {"mutate": mutate, "validate": validate}


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
