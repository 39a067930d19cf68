"""The command line as data: its commands, their options, and what each of them takes.

It is read from the parsers of `arguments`. Completions and the reference are written from it, so
that they know every option that there is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from rke2_lint.arguments import parser_of


class UnknownValueError(Exception):
    """A parser has an argument of which nobody has said what its value is."""


class Value(NamedTuple):
    """What may stand at one place of a command line."""

    kind: str
    """`words`, `rules`, `file-rules` (those about files), `files`, `revision` or `text`, of which only
    the author knows."""
    words: tuple[str, ...] = ()
    """Of `words`: all that are allowed."""
    listed: bool = False
    """Several may stand there, separated by commas."""
    to_file: bool = False
    """`=FILE` may follow a word."""


class Option(NamedTuple):
    """One option, or one kind of positional argument, which has no names."""

    names: tuple[str, ...]
    group: str
    """The heading that it stands below in `--help`."""
    metavar: str
    """What stands for its value in `--help`; "" for an option without one."""
    help: str
    value: Value | None
    """What follows it; `None` for an option that takes nothing."""
    repeatable: bool


class Command(NamedTuple):
    """One command, with all that may follow it."""

    name: str
    usage: str
    description: str
    epilog: str
    options: tuple[Option, ...]
    positional: Option | None


# By what stands for the value in `--help`. Words that can be counted are the parser's `choices`.
_VALUES = {
    "FILE": Value("files"),
    "GLOB": Value("files"),
    "PATH": Value("files"),
    "PATHS": Value("files"),
    "NAME": Value("rules"),
    "RULES": Value("file-rules", listed=True),
    "REV": Value("revision"),
    "REASON": Value("text"),
    "CONTEXT": Value("text"),
    "N": Value("text"),
    "SECONDS": Value("text"),
}


def commands(names: Sequence[str]) -> list[Command]:
    """Return the commands of these names. Raises UnknownValueError, which a test sees first."""
    return [_command(name, parser_of(name)) for name in names]


def _command(name: str, parser: argparse.ArgumentParser) -> Command:
    # argparse tells nobody what it has been given, other than by these attributes.
    groups = {
        id(one): group.title or ""
        for group in parser._action_groups
        for one in group._group_actions
    }
    told = [_option(action, groups[id(action)]) for action in parser._actions]
    positional = [one for one in told if not one.names]
    return Command(
        name,
        parser.format_usage().removeprefix("usage: ").strip(),
        parser.description or "",
        parser.epilog or "",
        tuple(one for one in told if one.names),
        positional[0] if positional else None,
    )


def _option(action: argparse.Action, group: str) -> Option:
    takes = action.nargs != 0
    metavar = str(action.metavar or action.dest.upper()) if takes else ""
    return Option(
        tuple(action.option_strings),
        group,
        metavar,
        action.help or "",
        _value(action, metavar) if takes else None,
        repeatable=isinstance(action, argparse._AppendAction) or action.nargs in ("*", "+"),
    )


def _value(action: argparse.Action, metavar: str) -> Value:
    if action.choices is not None:
        to_file = metavar.endswith("[=FILE]")
        return Value("words", tuple(map(str, action.choices)), to_file=to_file)
    try:
        return _VALUES[metavar]
    except KeyError:
        name = "/".join(action.option_strings) or action.dest
        raise UnknownValueError(f"what may follow {name}, which is called {metavar}?") from None
