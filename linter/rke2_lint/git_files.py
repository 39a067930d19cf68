"""What git knows of a folder: its files, and those it would take in, without what it ignores.

Git itself is asked: nothing else reads .gitignore as git does, and it lists 10,000 files in 10 ms.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

# Set inside git's own hooks, where they name the repository that calls, not the one that is read.
_OF_THE_CALLER = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE",
)  # fmt: skip
# Nothing of a repository that is only read may be run: fsmonitor and hooks are programs.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")


class GitError(Exception):
    """Git does not list this folder; the message is git's own."""


class GitMissingError(GitError):
    """There is no git on this machine."""


def is_work_tree(folder: str) -> bool:
    """Tell whether `folder` lies in a work tree: whether it or a folder above has a `.git`."""
    here = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return False
        here = above
    return True


def listed(folder: str, complaints: list[str]) -> Iterator[str]:
    """Yield what git lists below `folder`, relative to it; other repositories end in `/`.

    Folders that git cannot open are told in `complaints`, in git's words. Raises GitError.
    """
    names = _ask(folder, complaints, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if ".gitmodules" in names:
        # Submodules are listed like files. Their mode tells.
        for line in _ask(folder, complaints, "ls-files", "-z", "--stage"):
            mode, _, name = line.partition("\t")
            if mode.startswith("160000"):
                yield f"{name}/"
    # An unmerged file is listed three times.
    yield from dict.fromkeys(names)


def is_ignored(folder: str) -> bool:
    """Tell whether git ignores the folder itself."""
    return run(folder, "check-ignore", "--quiet", ".")[0] == 0


def described(folder: str) -> str:
    """Return the commit that is checked out, with `-dirty` where files differ. Raises GitError."""
    # `--no-optional-locks`: whoever only looks must not get in the way of somebody's commit.
    status, answer, said = run(
        folder,
        "--no-optional-locks",
        "describe",
        "--always",
        "--dirty",
        "--exclude=*",
        "--abbrev=12",
    )
    if status:
        raise GitError(said[0] if said else f"git ended with {status}")
    return answer.decode("ascii").strip()


def ignored(folder: str) -> Iterator[tuple[str, str]]:
    """Yield what git ignores below `folder`, folders with a `/`, each with the line that says so.

    Raises GitError.
    """
    names = _ask(
        folder, [], "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"
    )
    if not names:
        return
    given = "\0".join(names).encode("utf-8", "surrogateescape")
    _, answer, _ = run(folder, "check-ignore", "-z", "--verbose", "--stdin", given=given)
    told = os.fsdecode(answer).split("\0")
    for source, line, _, name in zip(told[0::4], told[1::4], told[2::4], told[3::4], strict=False):
        yield name, f"{source}:{line}"


def _ask(folder: str, complaints: list[str], *command: str) -> list[str]:
    status, answer, said = run(folder, *command)
    if status:
        raise GitError(said[0] if said else f"git ended with {status}")
    complaints.extend(line.removeprefix("warning: ") for line in said)
    return os.fsdecode(answer).split("\0")[:-1]


def run(
    folder: str, *command: str, variables: Mapping[str, str] | None = None, given: bytes = b""
) -> tuple[int, bytes, list[str]]:
    """Run git in a folder, and return its exit code, what it answers and what it says. Raises GitError.

    `variables` are further environment variables, `given` is what it reads.
    """
    import subprocess  # 6 ms, which a run over named files need not pay

    environment = {name: value for name, value in os.environ.items() if name not in _OF_THE_CALLER}
    # What git says is told in English, as everything here is, and nobody is asked for a password.
    environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(variables or {})}
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours, and no shell reads it
            [*_GIT, "-C", folder, *command],
            env=environment, input=given, capture_output=True, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise GitMissingError("there is no git here") from error
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from error
    return done.returncode, done.stdout, done.stderr.decode(errors="replace").splitlines()
