"""A review of a pull request, as GitHub's API takes it, with fixes as suggestions to click on.

The body of `POST /repos/{owner}/{repo}/pulls/{number}/reviews`
(https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request).
A suggestion replaces the lines that its comment hangs on; its lines end as those of the file do.
"""

from __future__ import annotations

import json
from typing import Any

from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Remark, Suggestion
from rke2_lint.reporters.markdown import counted, fenced, plain
from rke2_lint.repository_paths import RepositoryPaths

Json = dict[str, Any]
_UNSAFE = "Look whether this is what was meant."


def render(outcome: Outcome) -> str:
    """Return one review. Findings that the same lines mend share a comment."""
    known = RepositoryPaths()
    groups: dict[tuple[str, Suggestion | int], list[Remark]] = {}
    for one in outcome.remarks:
        groups.setdefault((known(one.path), _offered(one) or one.region.line), []).append(one)
    comments = [
        _comment(path, where, "\n\n".join(_said(one, known) for one in remarks), remarks)
        for (path, where), remarks in groups.items()
    ]
    review = {
        "event": "COMMENT",
        "body": f"<!-- rke2-lint -->\nrke2-lint: {counted(outcome)}",
        "comments": comments,
    }
    return json.dumps(review, indent=2) + "\n"


def _offered(one: Remark) -> Suggestion | None:
    """Return the fix of a finding, if it may be offered with one click."""
    if one.change is None or one.refusal or one.change.safety == "shown":
        return None
    return one.change.suggestion


def _comment(path: str, where: Suggestion | int, said: str, remarks: list[Remark]) -> Json:
    if isinstance(where, int):
        return {"path": path, "line": where, "side": "RIGHT", "body": said}
    comment: Json = {"path": path, "line": where.last, "side": "RIGHT"}
    if where.first != where.last:
        comment |= {"start_line": where.first, "start_side": "RIGHT"}
    unsafe = any(one.change is not None and one.change.safety == "unsafe" for one in remarks)
    advice = f"{_UNSAFE}\n\n" if unsafe else ""
    return {**comment, "body": f"{said}\n\n{advice}{fenced(where.text, 'suggestion')}"}


def _said(one: Remark, known: RepositoryPaths) -> str:
    lines = [f"**{one.severity}**: {plain(one.message)} (`{one.rule}`)"]
    lines += (
        f"- {plain(f'{known(each.path)}:{each.region.line}')}: {plain(each.message)}"
        for each in one.related
    )
    if one.change is not None and _offered(one) is None:
        lines.append(f"\nFix: {plain(one.change.title)}")
    if one.refusal:
        lines.append(f"\nNo fix: {plain(one.refusal)}")
    return "\n".join(lines)
