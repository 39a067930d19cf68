"""The rules, as the server asks them: one answer for each endpoint, under one policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import read_policy
from rke2_webhook.app import Answer
from rke2_webhook.review import answer


def load(file: Path | None) -> Mapping[str, Answer]:
    """Return what answers each endpoint's reviews, under the policy in a file or the default one.

    Raises OSError and PolicyError.
    """
    policy = DEFAULT if file is None else read_policy(str(file), file.read_bytes())
    return {
        "mutate": _answering(policy, validate=False),
        "validate": _answering(policy, validate=True),
    }


def _answering(policy: Policy, *, validate: bool) -> Answer:
    def answering(review: dict[str, Any]) -> dict[str, Any]:
        today = datetime.now(UTC).date().isoformat()
        return answer(review, policy, validate=validate, today=today)

    return answering
