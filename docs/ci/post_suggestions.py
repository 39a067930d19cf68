"""Post a review of a pull request: what `--output-format github-suggestions` wrote, to GitHub's API.

    python post_suggestions.py REVIEW.json

The environment says where: GITHUB_API_URL and GITHUB_REPOSITORY as in a workflow, NUMBER the pull
request, HEAD its last commit, TOKEN what it is done with. Nothing but Python's own library and git
is used.

What was linted is the pull request merged into its base. Where the merge has changed a file, its
lines are not those that GitHub counts, and a suggestion would replace others: there is none then.
Comments that are there already are not posted again. GitHub refuses a whole review if one of its
comments hangs on a line that the pull request does not show; then they are posted one by one, and
those that are refused are left out. Nothing here fails a workflow: the findings have done so.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

Json = dict[str, Any]
SECONDS = 30
A_PAGE = 100
REFUSED = 422
"""What GitHub answers where a comment hangs on a line that it does not show."""


class NotPostedError(Exception):
    """GitHub cannot be reached, or does not allow it; the message says why."""


class Refused(NamedTuple):
    """GitHub does not take what was posted."""

    why: str


class PullRequest:
    """One pull request, as GitHub's API knows it."""

    def __init__(self, environment: dict[str, str]) -> None:
        server = environment.get("GITHUB_API_URL", "https://api.github.com")
        self._address = (
            f"{server}/repos/{environment['GITHUB_REPOSITORY']}/pulls/{environment['NUMBER']}"
        )
        self._token = environment["TOKEN"]
        self._head = environment["HEAD"]

    def comments(self) -> Iterator[Json]:
        """Yield the comments that it has. Raises NotPostedError."""
        page = 1
        while isinstance(found := self._ask(f"/comments?per_page={A_PAGE}&page={page}"), list):
            yield from found
            if len(found) < A_PAGE:
                return
            page += 1

    def post(self, what: str, content: Json) -> Refused | None:
        """Post a review or a comment on its last commit. Raises NotPostedError."""
        answer = self._ask(f"/{what}", {**content, "commit_id": self._head})
        return answer if isinstance(answer, Refused) else None

    def _ask(self, path: str, content: Json | None = None) -> object:
        request = Request(  # noqa: S310 - the address is the runner's
            self._address + path,
            data=None if content is None else json.dumps(content).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "User-Agent": "rke2-lint",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            if error.code == REFUSED:
                return Refused(error.reason)
            hint = ""
            if error.code in (401, 403, 404):
                hint = (
                    ": the job needs the permission `pull-requests: write`, "
                    "which a pull request from a fork is not given"
                )
            raise NotPostedError(f"GitHub answers {error.code} {error.reason}{hint}") from None
        except (URLError, OSError, http.client.HTTPException, ValueError) as error:
            raise NotPostedError(f"GitHub cannot be asked: {error}") from None


def files_unlike(commit: str) -> set[str]:
    """Return the files here that are not as in a commit, which may have to be fetched.

    Raises NotPostedError.
    """
    try:
        if _git("cat-file", "-e", f"{commit}^{{commit}}").returncode:
            _git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", commit)
        done = _git("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--")
    except OSError as error:
        raise NotPostedError(f"git cannot be run: {error}") from None
    if done.returncode:
        raise NotPostedError("the last commit of the pull request is not here")
    return set(os.fsdecode(done.stdout).split("\0"))


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603 - no shell


def post(review: Json, to: PullRequest, *, unlike: set[str]) -> str:
    """Post what is new in a review, and say in a line what was done. Raises NotPostedError.

    `unlike`: files of which other lines were linted than the pull request has.
    """
    found = review["comments"]
    wanted = [comment for comment in found if comment["path"] not in unlike]
    merged = len(found) - len(wanted)
    if merged:
        left_out = f", {merged} left out: the merge with the base has changed these files"
        return _post(review, wanted, to) + left_out
    return _post(review, wanted, to)


def _post(review: Json, wanted: list[Json], to: PullRequest) -> str:
    if not wanted:
        return "nothing to suggest"
    there = {_key(comment) for comment in to.comments()}
    new = [comment for comment in wanted if _key(comment) not in there]
    if not new:
        return f"{_counted(wanted)} there already"
    if to.post("reviews", {**review, "comments": new}) is None:
        return f"{_counted(new)} posted"
    taken = [comment for comment in new if to.post("comments", comment) is None]
    left = len(new) - len(taken)
    return (
        f"{_counted(taken)} posted, {left} left out: on lines that the pull request does not show"
    )


def _key(comment: Json) -> tuple[Any, ...]:
    # GitHub moves the line of a comment along with the code, and takes it away when that is gone.
    return comment["path"], comment.get("line"), comment["body"].replace("\r\n", "\n").strip()


def _counted(comments: list[Json]) -> str:
    return f"{len(comments)} comment{'' if len(comments) == 1 else 's'}"


def main() -> int:
    """Post the review that is named. What goes wrong is a warning in the workflow's log."""
    review = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        unlike = files_unlike(os.environ["HEAD"]) if review["comments"] else set[str]()
        print(f"rke2-lint: {post(review, PullRequest(dict(os.environ)), unlike=unlike)}")
    except NotPostedError as error:
        said = str(error).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::warning title=rke2-lint::the fixes are not suggested: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
