"""The options of each command, and the help on them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from rke2_lint.reporters import FORMATS, Format
from rke2_policies.edit_distance import nearest
from rke2_policies.recognise import KINDS

SHELLS = ("bash", "zsh", "fish")
"""Those that completions can be written for."""
_EPILOG = """\
formats:
{formats}

  Each may be followed by =FILE, and several may be asked for; one of them may go without a file.

other commands:
  rke2-lint effective [PATHS…]  what each machine will run with, and which line decides it
  rke2-lint rule [NAME]         explain a rule, or list them all
  rke2-lint config [PATH]       what is in force for a path, and which line says so
  rke2-lint files [PATHS…]      what would be read, as what, and what would not, and why
  rke2-lint completions SHELL   write completions for bash, zsh or fish
  rke2-lint lsp                 serve an editor as a language server
  rke2-lint node [PATHS…]       how nodes are, from dumps, log bundles, or this very node
  rke2-lint verify              how the nodes of live clusters are, over their API
  rke2-lint export --format …   the policy for the API server itself, Kyverno or Gatekeeper

exit codes:
  0  nothing at the level of a warning or above is left
  1  a warning or an error is left; or --diff has something to show;
     or, with --exit-non-zero-on-fix, something was fixed
  2  wrong use, or a named path that cannot be read
  3  a bug of ours
"""

_EFFECTIVE_EPILOG = """\
exit codes:
  0  it is told
  1  a file does not parse
  2  wrong use, or a named path that cannot be read
  3  a bug of ours
"""

_TELLING_EPILOG = """\
exit codes:
  0  it is told
  2  wrong use, or something that was named cannot be read
  3  a bug of ours
"""


_NODE_EPILOG = """\
formats:
{formats}

  Each may be followed by =FILE, and several may be asked for; one of them may go without a file.

exit codes:
  0  all nodes are in order, or the pin means nothing to them
  1  a node has a warning or an error
  2  wrong use, or something that was named cannot be read
  3  a bug of ours
"""


_VERIFY_EPILOG = """\
formats:
{formats}

  Each may be followed by =FILE, and several may be asked for; one of them may go without a file.

--exec runs these in kube-proxy's containers, and nothing else; all of them only read:
{commands}

exit codes:
  0  all nodes are in order, or the pin means nothing to them
  1  a node has a warning or an error
  2  wrong use, or a cluster that could not be read, or only in part
  3  a bug of ours
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: asking for the terminal's costs an import for every option."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


class _Version(argparse.Action):
    """Says what this is, which takes reading all rules, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from rke2_lint.build_data import lines

        sys.stdout.write(lines())
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """A parser that says which option somebody may have meant."""

    def __init__(self, prog: str, usage: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog, usage, description, epilog, formatter_class=_Help, allow_abbrev=False
        )

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].partition(" ")[0]
        if unknown.startswith("--"):
            options = [option for action in self._actions for option in action.option_strings]
            near = nearest(unknown.partition("=")[0], options)
            message += f"; did you mean {near}?" if near else ""
        super().error(message)


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of a command."""
    return {
        "check": _check,
        "effective": _effective,
        "rule": _rule,
        "completions": _completions,
        "lsp": _lsp,
        "config": _config,
        "files": _files,
        "node": _node,
        "verify": _verify,
        "export": _export,
    }[command]()


def _check() -> argparse.ArgumentParser:
    parser = _Parser(
        "rke2-lint",
        "rke2-lint [check] [OPTIONS] [PATHS…]",
        "Find, explain and fix a missing or broken nft pin of RKE2's kube-proxy.",
        _EPILOG.format(formats="\n".join(f"  {one.name:18}  {one.about}" for one in FORMATS)),
    )
    _add_files(parser)
    _add_since(parser)
    fixes = parser.add_argument_group("fixes")
    _flag(fixes, "--fix", "make the safe fixes")
    _flag(fixes, "--diff", "show the fixes as a patch, and write nothing")
    _flag(
        fixes, "--unsafe-fixes", "with --fix or --diff: also those that may not be what was meant"
    )
    _flag(fixes, "--exit-non-zero-on-fix", "exit with 1 when something was fixed")
    rules = parser.add_argument_group("rules")
    _names(rules, "--select", "ask these rules only (separated by commas)")
    _names(rules, "--ignore", "ask all rules but these")
    accepted = parser.add_argument_group("accepted findings")
    accepted.add_argument(
        "--add-ignores",
        metavar="REASON",
        help="write a comment beside all that is found, which accepts it for this reason",
    )
    _flag(accepted, "--no-ignores", "disregard comments and annotations that accept findings")
    accepted.add_argument(
        "--baseline", metavar="FILE", help="leave out what is in this file: it was there before"
    )
    _flag(
        accepted,
        "--write-baseline",
        "write all that is found into the baseline (default: .rke2-lint-baseline.json)",
    )
    output = parser.add_argument_group("output")
    _outputs(output)
    _flag(output, "--statistics", "count what was found by each rule, on standard error")
    _flag(output, "--exit-zero", "exit with 0 whatever is found")
    _add_quiet(output)
    _add_output(output)
    return parser


def _effective() -> argparse.ArgumentParser:
    parser = _Parser(
        "rke2-lint effective",
        "rke2-lint effective [OPTIONS] [PATHS…]",
        "Tell what each machine will run with, and which line decides it.",
        _EFFECTIVE_EPILOG,
    )
    _add_files(parser)
    _format(parser, ("text", "json"))
    _add_quiet(parser)
    _add_output(parser)
    return parser


def _rule() -> argparse.ArgumentParser:
    parser = _Parser(
        "rke2-lint rule",
        "rke2-lint rule [OPTIONS] [NAME…]",
        "Explain rules, or list them all.",
        _TELLING_EPILOG,
    )
    parser.add_argument("paths", nargs="*", metavar="NAME", help="rules to explain (default: all)")
    _format(parser, ("text", "markdown", "json"), "--format")
    _add_output(parser, verbose=False)
    return parser


def _completions() -> argparse.ArgumentParser:
    parser = _Parser(
        "rke2-lint completions",
        f"rke2-lint completions {'|'.join(SHELLS)}",
        "Write completions for a shell; the script says where it belongs.",
        _TELLING_EPILOG,
    )
    parser.add_argument("paths", nargs=1, metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    _add_version(parser)
    return parser


def _config() -> argparse.ArgumentParser:
    parser = _Parser(
        "rke2-lint config",
        "rke2-lint config [OPTIONS] [PATH]",
        "Tell what is in force for a path, and which line says so.",
        _TELLING_EPILOG,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a file or folder (default: .)")
    _flag(parser, "--schema", "write the JSON Schema of configurations")
    _add_configuration(parser)
    _add_excluding(parser)
    _format(parser, ("text", "json"))
    _add_output(parser, verbose=False)
    return parser


def _files() -> argparse.ArgumentParser:
    parser = _Parser(
        "rke2-lint files",
        "rke2-lint files [OPTIONS] [PATHS…]",
        "Tell what would be read, as what and why; what would not be, and why not.",
        _TELLING_EPILOG,
    )
    parser.add_argument("paths", nargs="*", metavar="PATHS", help="files and folders (default: .)")
    _add_kind(parser)
    _add_since(parser)
    _add_excluding(parser)
    _add_configuration(parser)
    _format(parser, ("text", "json"))
    _add_output(parser)
    return parser


def _lsp() -> argparse.ArgumentParser:
    parser = _Parser(
        "rke2-lint lsp",
        "rke2-lint lsp [OPTIONS]",
        "Serve an editor as a language server, over standard input and output (docs/editors.md).",
    )
    _add_configuration(parser)
    _flag(parser, "--stdio", "what many editors add; there is no other way")
    _add_version(parser)
    return parser


def _node() -> argparse.ArgumentParser:
    from rke2_lint import health

    parser = _Parser(
        "rke2-lint node",
        "rke2-lint node [OPTIONS] [PATHS…]",
        "Diagnose nodes: which iptables backend kube-proxy works with, what its next start would "
        "choose and why, and what to do (docs/diagnosis.md).",
        _NODE_EPILOG.format(
            formats="\n".join(f"  {one.name:6}  {one.about}" for one in health.FORMATS)
        ),
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATHS",
        help="folders of dumps, Rancher's log bundles (folders or .tar.gz); default: this very node",
    )
    _add_configuration(parser)
    _outputs(parser, health.FORMATS)
    _flag(parser, "--exit-zero", "exit with 0 whatever is found")
    parser.add_argument("-q", "--quiet", action="store_true", help="no summary")
    _add_output(parser, verbose=False)
    return parser


def _export() -> argparse.ArgumentParser:
    from rke2_lint.export import FORMATS as ENGINES

    parser = _Parser(
        "rke2-lint export",
        "rke2-lint export --format FORMAT [OPTIONS]",
        "Write the policy of this folder for another engine, which needs no webhook of ours; what it "
        "cannot say stands in its comments (docs/native-policies.md).",
        _TELLING_EPILOG,
    )
    parser.add_argument(
        "--format",
        dest="output_format",
        choices=tuple(ENGINES),
        metavar="FORMAT",
        help=", ".join(ENGINES),
    )
    _add_configuration(parser)
    _add_output(parser, verbose=False)
    return parser


def _verify() -> argparse.ArgumentParser:
    from rke2_lint import health
    from rke2_lint.verify.commands import COMMANDS

    parser = _Parser(
        "rke2-lint verify",
        "rke2-lint verify [OPTIONS]",
        "Verify live clusters over their API: whether every node has a kube-proxy, and whether it is "
        "pinned (docs/verify.md). Nothing is changed.",
        _VERIFY_EPILOG.format(
            formats="\n".join(f"  {one.name:6}  {one.about}" for one in health.FORMATS),
            commands="\n".join(f"  {' '.join(one)}" for one in COMMANDS),
        ),
    )
    which = parser.add_argument_group("clusters")
    which.add_argument(
        "--kubeconfig",
        dest="kubeconfigs",
        action="append",
        metavar="FILE",
        help="a kubeconfig (may be repeated; default: KUBECONFIG, or ~/.kube/config, or the Pod's own account)",
    )
    which.add_argument(
        "--context",
        dest="contexts",
        action="append",
        metavar="CONTEXT",
        help="a context, or a glob such as 'prod-*' (may be repeated; default: the current one)",
    )
    _flag(which, "--all-contexts", "all contexts")
    _flag(parser, "--exec", "also look into the containers, with commands that only read")
    pace = parser.add_argument_group("pace")
    pace.add_argument(
        "--jobs", type=_count, metavar="N", help="so many requests at once (default: 10)"
    )
    pace.add_argument(
        "--request-timeout",
        type=_seconds,
        metavar="SECONDS",
        help="how long a request or a command may take (default: 30)",
    )
    pace.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help="how long all of it may take"
    )
    pace.add_argument(
        "--resume",
        metavar="FILE",
        help="go on from the JSON of an earlier run: what that has seen is kept",
    )
    _add_configuration(parser)
    _outputs(parser, health.FORMATS)
    _flag(parser, "--exit-zero", "exit with 0 whatever is found")
    _add_quiet(parser)
    _add_output(parser, verbose=False)
    return parser


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATHS",
        help="files and folders (default: .); - is standard input",
    )
    parser.add_argument("--stdin-filename", metavar="PATH", help="what standard input is called")
    _add_kind(parser)
    _add_excluding(parser)
    _add_configuration(parser)


def _add_kind(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--as",
        dest="kind",
        choices=KINDS,
        metavar="KIND",
        help=f"what the files are: {', '.join(KINDS)}",
    )


def _add_since(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--since", metavar="REV", help="only what has changed since the work branched off from REV"
    )


def _add_excluding(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--exclude",
        action="append",
        metavar="GLOB",
        help="leave out files and folders, besides what configurations leave out (may be repeated)",
    )
    _flag(parser, "--force-exclude", "leave them out even where they are named, as pre-commit does")


def _add_configuration(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--config", metavar="FILE", help="use this configuration, whatever lies near the files"
    )
    _flag(parser, "--isolated", "use no configuration")


def _add_output(parser: argparse._ActionsContainer, *, verbose: bool = True) -> None:
    _flag(parser, "--no-color", "no colours (also: NO_COLOR)")
    if verbose:
        parser.add_argument(
            "-v", "--verbose", action="store_true", help="say what was left out, and why"
        )
    _add_version(parser)


def _add_version(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "-V",
        "--version",
        nargs=0,
        action=_Version,
        help="say version, commit, rules and Python, and exit",
    )


def _add_quiet(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="no summary and no progress bar")


def _flag(parser: argparse._ActionsContainer, name: str, help: str) -> None:
    parser.add_argument(name, action="store_true", help=help)


def _names(parser: argparse._ActionsContainer, name: str, help: str) -> None:
    parser.add_argument(name, action="append", metavar="RULES", help=help)


def _format(parser: argparse._ActionsContainer, formats: tuple[str, ...], *also: str) -> None:
    parser.add_argument(
        *also,
        "--output-format",
        dest="output_format",
        choices=formats,
        metavar="FORMAT",
        help=f"{', '.join(formats)} (default: {formats[0]})",
    )


class _Formats(tuple[str, ...]):
    """All formats. Which are allowed, and with which file, `outputs` says, and better than argparse."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


def _outputs(parser: argparse._ActionsContainer, formats: Sequence[Format] = FORMATS) -> None:
    parser.add_argument(
        "--output-format",
        dest="output_formats",
        action="append",
        choices=_Formats(one.name for one in formats),
        metavar="FORMAT[=FILE]",
        help=f"a report: one of the formats below (default: {formats[0].name})",
    )
