"""JSON Lines for programs that read on while we write: the findings of `json`, a line each."""

from __future__ import annotations

import json

from rke2_lint.outcome import Outcome
from rke2_lint.reporters.json_ import findings


def render(outcome: Outcome) -> str:
    """Return a line for each finding."""
    return "".join(f"{json.dumps(one)}\n" for one in findings(outcome)[: len(outcome.remarks)])
