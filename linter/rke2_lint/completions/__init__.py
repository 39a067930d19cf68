"""Completions for shells, written from the command line's own parsers.

A script is complete in itself: it starts rke2-lint for no word, so that the answer comes at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from rke2_lint.command_line import commands
from rke2_lint.completions import bash, fish, zsh
from rke2_policies import catalog

_WRITERS = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}


def script(shell: str, names: Sequence[str]) -> str:
    """Return the script for `bash`, `zsh` or `fish` that completes the commands of these names."""
    rules, live = (
        [(name, catalog.rule(name).summary) for name in names_of()]
        for names_of in (catalog.lint_names, catalog.live_names)
    )
    return _WRITERS[shell](commands(names), rules, live)
