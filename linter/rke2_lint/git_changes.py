"""What has changed in a git work tree since a revision: committed, staged, on disk, or new.

It is compared with the revision where the work branched off (the merge base), as a pull request is:
what has since been changed on the other branch is nobody's change here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from rke2_lint import git_files
from rke2_lint.git_files import GitError, GitMissingError

_GITLINK = "160000"
"""The mode of a submodule, which is a commit and no file."""
_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all")


class RevisionError(Exception):
    """A revision that nothing can be compared with; the message says why, and what to do."""


class Changes:
    """The changes in one work tree and the submodules in it. Paths are in full, without links."""

    __slots__ = ("base", "changed", "folder", "folders", "gone", "within")

    def __init__(self, folder: str, base: str) -> None:
        self.folder = folder
        self.base = base
        """The commit that was compared with."""
        self.changed: set[str] = set()
        self.folders: list[str] = []
        """Folders that are new as a whole: repositories that this one knows nothing of."""
        self.gone: set[str] = set()
        """Files that were there. One that was renamed is one that is gone, and one that is new."""
        self.within: list[Changes] = []
        """The changes of submodules."""

    def has(self, path: str) -> bool:
        """Return whether a file has changed."""
        return (
            path in self.changed
            or any(path.startswith(f"{folder}/") for folder in self.folders)
            or any(one.has(path) for one in self.within)
        )

    def all_gone(self) -> set[str]:
        """Return the files that were there, those of submodules, too."""
        return self.gone.union(*(one.all_gone() for one in self.within))

    def text(self) -> bytes:
        """Return the lines that have changed, before and after."""
        lines = _diff(self.folder, "--unified=0", self.base)
        return b"\n".join([lines, *(one.text() for one in self.within)])


def top_of(folder: str) -> str:
    """Return the root of the work tree that a folder lies in, in full. Raises RevisionError."""
    try:
        answer = _ask(folder, "rev-parse", "--show-toplevel")
    except GitMissingError:
        raise RevisionError("--since needs git, and there is none here") from None
    except GitError as error:
        if "not a git repository" in str(error):
            raise RevisionError(
                f"--since needs git, and {folder} is in no git repository"
            ) from None
        raise RevisionError(_remedied(folder, str(error))) from None
    top = os.fsdecode(answer.removesuffix(b"\n"))
    if not top:
        raise RevisionError(f"--since needs a git work tree, and {folder} is in none")
    return top.replace(os.sep, "/")


def since(top: str, revision: str) -> Changes:
    """Return the changes in a work tree since a revision. Raises RevisionError."""
    try:
        return _changes(top, _base(top, revision))
    except GitError as error:
        raise RevisionError(_remedied(top, str(error))) from None


def _base(top: str, revision: str) -> str:
    """Return the commit to compare with: where HEAD branched off from a revision."""
    revision = revision.strip()
    if not revision:
        raise RevisionError("--since names no revision; try --since origin/main")
    if revision.startswith("-") or "\0" in revision:
        raise RevisionError(f"--since {revision}: this is no revision")
    commit = _commit(top, revision)
    if commit is None:
        raise RevisionError(f"git knows no revision {revision} here{_fetch(top, revision)}")
    head = _commit(top, "HEAD")
    if head is None:  # nothing is committed yet
        return commit
    status, answer, _ = git_files.run(top, "merge-base", commit, head)
    if status:
        raise RevisionError(
            f"{revision} and HEAD have no common ancestor here{_fetch(top, revision)}"
        )
    return answer.decode().strip()


def _commit(top: str, revision: str) -> str | None:
    """Return the commit that a revision means; None where there is none."""
    for suffix in ("", "^{commit}"):  # one after the other: `:/words` takes all for words
        status, answer, _ = git_files.run(
            top, "rev-parse", "--verify", "--quiet", f"{revision}{suffix}"
        )
        if status:
            return None
        revision = answer.decode().strip()
    return revision


def _fetch(top: str, revision: str) -> str:
    """Return what may bring a revision here."""
    if git_files.run(top, "rev-parse", "--is-shallow-repository")[1].strip() == b"true":
        return (
            ": this clone is shallow; fetch the rest with `git fetch --unshallow`"
            " (GitHub: `fetch-depth: 0`; GitLab: `GIT_DEPTH: 0`)"
        )
    remote, _, branch = revision.partition("/")
    remotes = git_files.run(top, "remote")[1].decode(errors="replace").split()
    if branch and remote in remotes:
        return f"; fetch it with `git fetch {remote} {branch}`"
    return f"; fetch it, or name it in full, as in {remotes[0]}/{revision}" if remotes else ""


def _remedied(folder: str, said: str) -> str:
    """Return what git says, with what to do about it."""
    if "dubious ownership" in said:
        return (
            f"git does not read {folder}, because it belongs to somebody else; if that is right: "
            f"git config --global --add safe.directory {folder}"
        )
    return f"git cannot tell what has changed in {folder}: {said}"


def _changes(top: str, base: str) -> Changes:
    """Return what differs from a commit. Raises GitError."""
    found = Changes(top, base)
    fields = _diff(top, "--raw", "-z", "--no-abbrev", base).split(b"\0")
    for head, told in zip(fields[0::2], fields[1::2], strict=False):
        path = f"{top}/{os.fsdecode(told)}"
        (found.gone if head.endswith(b"D") else found.changed).add(path)
    for name in _names(_ask(top, "ls-files", "-z", "--others", "--exclude-standard")):
        if name.endswith("/"):
            found.folders.append(f"{top}/{name.rstrip('/')}")
        else:
            found.changed.add(f"{top}/{name}")
    if os.path.lexists(f"{top}/.gitmodules"):
        for line in _names(_ask(top, "ls-files", "-z", "--stage")):
            if line.startswith(_GITLINK):
                _submodule(found, line.partition("\t")[2])
    return found


def _submodule(found: Changes, name: str) -> None:
    folder = f"{found.folder}/{name}"
    if not os.path.lexists(f"{folder}/.git"):
        return  # it was not fetched
    before = _ask(found.folder, "ls-tree", "-z", "--full-tree", found.base, "--", name).split()
    try:
        found.within.append(_changes(folder, before[2].decode()))
    except (GitError, IndexError):
        # It is new, or the commit that it was at is not here: any of its files may have changed.
        found.folders.append(folder)


def _names(answer: bytes) -> list[str]:
    return os.fsdecode(answer).split("\0")[:-1]


def _diff(folder: str, *arguments: str) -> bytes:
    """Return what `git diff` says, without a program of the repository's being run for it.

    Where a file's time differs from that in the index, git runs it through the repository's filters.
    """
    _, answer, _ = git_files.run(
        folder, "config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"
    )  # fmt: skip
    given = os.environ.get("GIT_CONFIG_COUNT", "")
    count = int(given) if given.isdigit() else 0
    variables = {}
    for key in _names(answer):
        variables[f"GIT_CONFIG_KEY_{count}"] = key
        variables[f"GIT_CONFIG_VALUE_{count}"] = "false" if key.endswith(".required") else ""
        count += 1
    if variables:
        variables["GIT_CONFIG_COUNT"] = str(count)
    return _ask(folder, "diff", *_PLAIN, *arguments, "--", variables=variables)


def _ask(folder: str, *command: str, variables: Mapping[str, str] | None = None) -> bytes:
    """Return git's answer. Raises GitError."""
    status, answer, said = git_files.run(folder, *command, variables=variables)
    if status:
        raise GitError(said[0] if said else f"git ended with {status}")
    return answer
