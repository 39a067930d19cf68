"""The rules, as the server asks them: one answer for each endpoint, under one policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rke2_policies import catalog
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import load_policy
from rke2_webhook.app import Answer
from rke2_webhook.review import answer


def load(policy: Path | None) -> Mapping[str, Answer]:
    """Return what answers each endpoint's reviews, under the policy in a file or the default.

    Raises PolicyError for a file that cannot be read or used.
    """
    catalog.rules()  # now, and not while the first request waits
    chosen = DEFAULT if policy is None else _read(policy)

    def mutate(review: dict[str, Any]) -> dict[str, Any]:
        return answer(review, chosen, today=_today())

    def validate(review: dict[str, Any]) -> dict[str, Any]:
        return answer(review, chosen, validate=True, today=_today())

    return {"mutate": mutate, "validate": validate}


def _read(path: Path) -> Policy:
    """Read a policy, and the files that it extends. Raises PolicyError."""
    return load_policy(str(path), lambda name: Path(name).read_bytes())


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
