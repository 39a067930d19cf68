"""A Code Quality report, as GitLab shows it in merge requests.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json

from rke2_lint.fingerprints import fingerprints
from rke2_lint.outcome import Outcome
from rke2_lint.repository_paths import RepositoryPaths

_SEVERITIES = {"error": "critical", "warning": "major", "note": "info"}


def render(outcome: Outcome) -> str:
    """Return a list of all findings; an empty one says that what was there is repaired."""
    known = RepositoryPaths()
    remarks = outcome.remarks
    report = [
        {
            "description": one.message,
            "check_name": one.rule,
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[one.severity],
            "location": {
                "path": known(one.path),
                "lines": {"begin": one.region.line, "end": one.region.end_line},
            },
        }
        for one, fingerprint in zip(remarks, fingerprints(remarks), strict=True)
    ]
    return json.dumps(report, indent=2) + "\n"
