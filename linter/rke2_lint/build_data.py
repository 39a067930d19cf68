"""What `--version` says: of which state of the source this is, and on what it runs."""

from __future__ import annotations

import os
import platform

from rke2_lint import __version__
from rke2_policies.fingerprint import fingerprint

_HERE = os.path.dirname(os.path.abspath(__file__))
_COMMIT = os.path.join(_HERE, "COMMIT")
"""Written into wheels and source archives when they are built (`write_commit.py`), never beside
the source: there it would be stale at the next commit."""


def lines() -> str:
    """Return the version with the commit, the rules' fingerprint, Python and the YAML parser."""
    of = commit()
    source = f"commit {of}, " if of else ""
    return (
        f"rke2-lint {__version__} ({source}rules {fingerprint()})\n"
        f"{platform.python_implementation()} {platform.python_version()}, {_parser()}, "
        f"{platform.system()} {platform.machine()}\n"
    )


def commit() -> str:
    """Return the commit that this was built from, or that is checked out; "" where nobody knows.

    `-dirty` follows where files were changed since.
    """
    try:
        with open(_COMMIT, encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return _checked_out(os.path.dirname(os.path.dirname(_HERE)))


def _checked_out(root: str) -> str:
    """Ask git, where `root` is this project's own checkout and not a folder in somebody else's."""
    if not os.path.exists(os.path.join(root, ".git")):
        return ""
    from rke2_lint.git_files import GitError, described

    try:
        return described(root)
    except GitError:
        return ""


def _parser() -> str:
    import yaml

    if not yaml.__with_libyaml__:
        return f"PyYAML {yaml.__version__} without libyaml"
    from yaml import _yaml

    return f"PyYAML {yaml.__version__} with libyaml {_yaml.get_version_string()}"
