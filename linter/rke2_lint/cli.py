"""The command line: what is asked for, in which order it is done, and how it ends."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence

from rke2_lint.asked import Asked
from rke2_lint.files import (
    STDIN,
    File,
    Lookup,
    TooLargeError,
    UsageError,
    absolute,
    discover,
    read_stdin,
    why,
)
from rke2_lint.options import Options
from rke2_lint.outcome import Outcome
from rke2_lint.work import Work, WorkerError, available, node_of, units
from rke2_policies.recognise import base_of, path_matters

TYPE_CHECKING = False  # `typing` costs as much as a quarter of Python's own start
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO, Any, AnyStr, TextIO

    from rke2_lint.baseline_file import Baseline
    from rke2_lint.files import Listing
    from rke2_lint.health.told import Told
    from rke2_lint.outputs import Outputs
    from rke2_lint.paint import Paint

CLEAN, FOUND, USAGE, BUG = 0, 1, 2, 3
SIGNALLED = 128  # as a shell counts signals
INTERRUPTED, CLOSED_PIPE = SIGNALLED + 2, SIGNALLED + 13

_PART = 1 << 15
_WHAT_HELPS = "# This would allow it: kubectl apply -f FILE"


class MuteError(Exception):
    """Standard output takes no more, as on a full disk: the reason, for people."""


class _Unheard(io.FileIO):
    """Standard error where nobody hears it, as on a full disk: the exit code still says it all."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    # A run is short and keeps nearly all that it makes: collecting garbage only costs time.
    collecting = gc.isenabled()
    gc.disable()
    _open_what_is_closed()
    if argv is None:
        _speak_though_nobody_hears()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character shows its number, and nobody a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(sys.argv[1:] if argv is None else list(argv))
        _write((), sys.stdout)
        sys.stderr.flush()
    except SystemExit as end:  # argparse has said what there is to say
        status = end.code if isinstance(end.code, int) else CLEAN
    except UsageError as error:
        status = _usage(str(error))
    except BrokenPipeError:
        # `rke2-lint | head`: nobody reads on.
        _silence()
        status = CLOSED_PIPE
    except MuteError as error:
        _silence()
        status = _usage(f"standard output cannot be written: {error}")
    except KeyboardInterrupt:
        status = INTERRUPTED
    except WorkerError:
        status = BUG
    except Exception:
        status = BUG
        _confess()
    finally:
        if argv is None:
            # The process ends here. What is frozen is not looked through once more at its end.
            gc.freeze()
        elif collecting:
            gc.enable()
    return status


def _run(argv: list[str]) -> int:
    command = argv[0] if argv and argv[0] in COMMANDS else "check"
    rest = argv[1:] if argv and argv[0] == command else argv
    asked = Asked()
    if any(word.startswith("-") and word != STDIN for word in rest):
        from rke2_lint.arguments import parser_of

        # Options and paths in any order, as everywhere else. What stands behind `--` is a path,
        # also where it begins with a dash; argparse forgets that between options and paths.
        end = rest.index("--") if "--" in rest else len(rest)
        parser_of(command).parse_intermixed_args(rest[:end], asked)
        asked.paths = [*asked.paths, *rest[end + 1 :]]
    else:
        # Only paths: most runs of hooks and editors. argparse would take as long as Python's start.
        asked.paths = rest
    if rest is argv and asked.paths and not os.path.lexists(asked.paths[0]):
        _suggest_command(asked.paths[0])
    return COMMANDS[command](asked)


def _suggest_command(word: str) -> None:
    """Raise UsageError where a word that names no file is nearly the name of a command."""
    from rke2_policies.edit_distance import nearest

    near = {"help": "--help", "version": "--version"}.get(word) or nearest(word, COMMANDS)
    if near and word != STDIN:
        raise UsageError(f"there is no file {word}; did you mean rke2-lint {near}?")


# --- the commands


def _check(asked: Asked) -> int:
    if asked.stdin_filename is not None and STDIN not in asked.paths:
        return _usage("--stdin-filename names what comes from standard input: add -")
    select, ignore = _names(asked.select), _names(asked.ignore)
    if select or ignore:
        from rke2_lint.selection import UnknownRuleError, check

        try:
            check([*select, *ignore], about_files=True)
        except UnknownRuleError as error:
            return _usage(str(error))
    if asked.add_ignores is not None and (fault := _fault_of_reason(asked)):
        return _usage(fault)
    if asked.write_baseline and asked.diff:
        return _usage("--write-baseline writes a file, and --diff writes none: choose one")
    baseline = _baseline(asked)
    outputs: Outputs | None = None
    if asked.output_formats:
        from rke2_lint.outputs import OutputError, Outputs

        read = asked.paths if baseline is None else [*asked.paths, baseline.path]
        try:
            outputs = Outputs(asked.output_formats, read)
        except OutputError as error:
            return _usage(str(error))
    options = Options(
        kind=asked.kind,
        select=select,
        ignore=ignore,
        fix=asked.fix or (asked.diff and asked.add_ignores is None),
        write=(asked.fix or asked.add_ignores is not None) and not asked.diff,
        unsafe=asked.unsafe_fixes,
        # What nobody has asked for otherwise is shown in full.
        pictures=not asked.diff if outputs is None else _wants(outputs, "pictures", asked),
        suggestions=outputs is not None and _wants(outputs, "suggestions", asked),
        machines=outputs is not None and _wants(outputs, "machines", asked),
        lookup=_lookup(asked),
        ignores=not asked.no_ignores,
        add_ignores=asked.add_ignores or "",
        baseline=baseline,
    )
    files, outcome = _look(asked, options, outputs)
    if options.baseline is not None:
        from rke2_lint import baselining

        if asked.write_baseline:
            baselining.write(options.baseline, outcome, options)
        else:
            where = absolute(options.baseline.path)
            baselining.take_out(options.baseline, outcome, options, where)
        outcome.sort()
    to_stdout = next((file.data for file in files if file.data is not None and options.write), None)
    if to_stdout is not None:
        # What is fixed takes the place of standard output, the report that of the summary.
        _put(outcome.fixed_stdin or to_stdout)
    elif asked.diff:
        _put(b"".join(patch.text for patch in outcome.patches))
    stream = sys.stdout if to_stdout is None else sys.stderr
    if outcome.remarks or outputs is not None:
        _report(outcome, outputs, stream, asked)
    if asked.verbose and outcome.exemptions and not _is_partial(asked):
        used = {what for what, why in outcome.exemptions if not why}
        idle = {one for one in outcome.exemptions if one[0] not in used}
        outcome.notes += (f"the policy exempts {what}: {why}" for what, why in sorted(idle))
    _complain(outcome, asked)
    if asked.statistics and outcome.remarks:
        from rke2_lint.statistics import render

        _say(render(outcome, _paint(sys.stderr, asked)), sys.stderr)
    if not asked.quiet:
        said = _summary(outcome, fixing=options.fix, writing=options.write)
        if asked.write_baseline and options.baseline and options.baseline.path in outcome.changed:
            said += f" Wrote {options.baseline.path}."
        print(said, file=sys.stderr)
    return _status(outcome, asked)


def _is_partial(asked: Asked) -> bool:
    """Tell whether only some files are looked at, or some rules asked."""
    some = asked.since is not None or asked.select or asked.ignore
    return bool(some) or not all(os.path.isdir(path) for path in asked.paths)


def _baseline(asked: Asked) -> Baseline | None:
    """Return the baseline that is asked for. Raises UsageError where it cannot be read."""
    if asked.baseline is None and not asked.write_baseline:
        return None
    from rke2_lint.baseline_file import DEFAULT, Baseline

    return Baseline.read(asked.baseline or DEFAULT, is_rewritten=asked.write_baseline)


def _fault_of_reason(asked: Asked) -> str:
    """Return why `--add-ignores` cannot be done as it is asked for; "" where it can."""
    if asked.no_ignores:
        return "--add-ignores writes what --no-ignores disregards"
    from rke2_policies.ignore import read_comment, written

    said = read_comment(written(["syntax"], " ".join((asked.add_ignores or "").split())))
    return "".join(f"--add-ignores: {fault}" for fault in said.faults[:1])


def _status(outcome: Outcome, asked: Asked) -> int:
    if outcome.unreadable:
        return USAGE
    if asked.exit_zero:
        return CLEAN
    if outcome.count("error") or outcome.count("warning"):
        return FOUND
    if asked.diff:
        return FOUND if outcome.patches or outcome.unpatched else CLEAN
    return FOUND if asked.exit_non_zero_on_fix and outcome.fixes else CLEAN


def _effective(asked: Asked) -> int:
    # No rule is asked but the one that says what could not be read.
    files, outcome = _look(
        asked, Options(kind=asked.kind, select=("syntax",), machines=True, lookup=_lookup(asked))
    )
    if asked.output_format == "json":
        from rke2_lint.reporters.json_ import render_machines

        _say(render_machines(outcome), sys.stdout)
    elif files:
        from rke2_lint.effective import render
        from rke2_lint.paint import without_commands

        _say(without_commands(render(outcome, _paint(sys.stdout, asked))), sys.stdout)
    _complain(outcome, asked)
    if outcome.remarks:
        from rke2_lint.paint import without_commands
        from rke2_lint.reporters.concise import render as lines

        _say(without_commands(lines(outcome, _paint(sys.stderr, asked))), sys.stderr)
    if not outcome.machines and not asked.quiet:
        print(_summary(outcome, fixing=False, writing=False), file=sys.stderr)
    return USAGE if outcome.unreadable else FOUND if outcome.remarks else CLEAN


def _rule(asked: Asked) -> int:
    from rke2_lint import explain
    from rke2_lint.selection import UnknownRuleError, check

    paint = _paint(sys.stdout, asked)
    try:
        check(asked.paths)
    except UnknownRuleError as error:
        return _usage(str(error))
    if asked.output_format in ("markdown", "json"):
        from rke2_lint import rule_page
        from rke2_policies.catalog import names

        render = rule_page.markdown if asked.output_format == "markdown" else rule_page.as_json
        _say(render(asked.paths or names()), sys.stdout)
        return CLEAN
    pages = [explain.page(name, paint) for name in asked.paths]
    _say("\n".join(pages) if pages else explain.index(paint), sys.stdout)
    return CLEAN


def _config(asked: Asked) -> int:
    if asked.schema:
        import json

        from rke2_policies.policy_schema import schema

        _say(json.dumps(schema(), indent=2) + "\n", sys.stdout)
        return CLEAN
    from rke2_lint.show_config import in_force, render, render_json

    if len(asked.paths) > 1:
        return _usage("config tells what is in force for one path")
    path = asked.paths[0] if asked.paths else "."
    where = absolute(path)
    told = in_force(_lookup(asked), path, f"{where}/." if os.path.isdir(path) else where)
    as_json = asked.output_format == "json"
    _say(render_json(told) if as_json else render(told, _paint(sys.stdout, asked)), sys.stdout)
    return CLEAN


def _files(asked: Asked) -> int:
    from rke2_lint.show_files import render, render_json, rows

    lookup = _lookup(asked)
    listing = _listing(asked.paths or ["."], lookup, asked, thorough=True)
    found = rows(listing, lookup, asked)
    if asked.output_format == "json":
        _say(render_json(found), sys.stdout)
    else:
        _say(render(found, _paint(sys.stdout, asked), verbose=asked.verbose), sys.stdout)
    for line in listing.unreadable:
        print(f"error: {line}", file=sys.stderr)
    return USAGE if listing.unreadable else CLEAN


def _completions(asked: Asked) -> int:
    from rke2_lint.arguments import SHELLS

    if len(asked.paths) != 1 or asked.paths[0] not in SHELLS:
        return _usage(f"for which shell? rke2-lint completions {'|'.join(SHELLS)}")
    from rke2_lint.completions import script

    _say(script(asked.paths[0], tuple(COMMANDS)), sys.stdout)
    return CLEAN


def _lsp(asked: Asked) -> int:
    if asked.paths:
        return _usage("the language server takes no paths: the editor names the files")
    try:
        from rke2_lint.lsp.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        return _usage("the language server needs pygls: pip install 'rke2-lint[lsp]'")
    _lookup(asked)
    gc.enable()  # it runs for days
    return serve(lambda: _lookup(asked))


def _node(asked: Asked) -> int:
    from rke2_lint.health import FORMATS
    from rke2_lint.node.command import look
    from rke2_lint.outputs import OutputError, Outputs

    try:
        outputs = Outputs(asked.output_formats or [FORMATS[0].name], asked.paths, FORMATS)
    except OutputError as error:
        return _usage(str(error))
    gc.enable()  # dumps of large clusters are many
    return _tell(look(asked.paths, _lookup(asked)), outputs, asked)


def _verify(asked: Asked) -> int:
    from rke2_lint.health import FORMATS
    from rke2_lint.outputs import OutputError, Outputs

    if asked.paths:
        return _usage(
            f"verify looks at live clusters: what is {asked.paths[0]}? (--kubeconfig FILE)"
        )
    try:
        outputs = Outputs(asked.output_formats or [FORMATS[0].name], asked.kubeconfigs, FORMATS)
    except OutputError as error:
        return _usage(str(error))
    if asked.all_contexts and asked.contexts:
        return _usage("--context chooses some contexts, and --all-contexts takes all: choose one")
    try:
        import lightkube
    except ImportError:
        return _usage("verify needs lightkube: pip install 'rke2-lint[cluster]'")
    del lightkube
    from rke2_lint.verify.command import Wish, look
    from rke2_lint.verify.kubeconfig import contexts
    from rke2_lint.verify.resuming import NOTHING, resume

    wish = Wish(
        asked.exec,
        asked.jobs,
        asked.request_timeout,
        asked.timeout,
        NOTHING if asked.resume is None else resume(asked.resume),
        _is_watched(asked),
    )
    chosen = contexts(asked.kubeconfigs, asked.contexts, every=asked.all_contexts)
    gc.enable()
    return _tell(look(chosen, _lookup(asked), wish), outputs, asked)


def _tell(told: Told, outputs: Outputs, asked: Asked) -> int:
    """Tell how nodes are, where it is wanted, and return the exit code."""
    from rke2_lint.health import FORMATS
    from rke2_lint.health.text import summary

    if outputs.stdout is not None and (told.diagnoses or outputs.stdout is not FORMATS[0]):
        _say(outputs.stdout.render(told, _paint(sys.stdout, asked)), sys.stdout)
    failed = [*told.unreadable, *outputs.write(told)]
    for line in failed:
        from rke2_lint.paint import harmless, without_commands

        print(without_commands(harmless(f"error: {line}")), file=sys.stderr)
    for lines in told.advice:
        print(f"\n{_WHAT_HELPS}\n{lines}", file=sys.stderr)
    if not asked.quiet:
        print(summary(told), file=sys.stderr)
    if told.stopped_by:
        return SIGNALLED + told.stopped_by
    if failed:
        return USAGE
    return FOUND if not asked.exit_zero and told.is_alarming else CLEAN


def _export(asked: Asked) -> int:
    from rke2_lint.export import FORMATS, NothingToExportError, export
    from rke2_policies.policy import DEFAULT

    if asked.paths:
        return _usage("export takes no paths: the policy is that of this folder, or --config's")
    if asked.output_format not in FORMATS:
        return _usage(f"for which engine? rke2-lint export --format {'|'.join(FORMATS)}")
    policy = _lookup(asked).policy_for(f"{absolute('.')}/.") or DEFAULT
    try:
        _say(export(asked.output_format, policy), sys.stdout)
    except NothingToExportError as error:
        return _usage(f"there is nothing to export: {error}")
    return CLEAN


# --- the steps they share


def _look(
    asked: Asked, options: Options, outputs: Outputs | None = None
) -> tuple[list[File], Outcome]:
    """Find the files, look at them all, and return them with what came of it."""
    paths = asked.paths or ["."]
    lookup = options.lookup or Lookup()
    listing = _listing([path for path in paths if path != STDIN], lookup, asked)
    files = listing.files
    piped: list[File] = []
    if STDIN in paths:
        name = asked.stdin_filename or STDIN
        try:
            piped = [File(name, named=True, data=read_stdin())]
        except TooLargeError:
            listing.unreadable.append(f"{name}: standard input is too large")
        except OSError as error:
            listing.unreadable.append(f"{name}: {why(error)}")
        else:
            files = [file for file in files if not _same(file.path, name)]
            if not listing.refuses(name, absolute(name)):
                files = [*piped, *files]
    _see_from_above(files)
    if outputs is not None and outputs.files:
        # The report of the last run, which this one's takes the place of.
        files = [file for file in files if not outputs.replaces(file.path)]
    if options.baseline is not None:
        files = [file for file in files if not _same(file.path, options.baseline.path)]
        # With --since, nobody can tell what is gone from what has not changed.
        folders = [] if asked.since is not None else filter(os.path.isdir, paths)
        options.baseline.look_at((file.path for file in files), folders)
    todo = units(files)
    for unit in todo:
        # The configuration of a node need not be that of its drop-ins; others are known by now.
        if (base := node_of(unit[0].path)) != unit[0].path:
            lookup.policy_for(absolute(base))
    work = Work(options, watched=len(files) if _is_watched(asked) else 0)
    try:
        work.run(todo, available())
        work.finish([*files, *listing.context])
    finally:
        work.clear()
    outcome = work.outcome
    outcome.unreadable += listing.unreadable
    outcome.warnings += listing.warnings
    outcome.notes += listing.notes
    outcome.sort()
    return [*piped, *(file for file in files if file not in piped)], outcome


def _listing(
    paths: Sequence[str], lookup: Lookup, asked: Asked, *, thorough: bool = False
) -> Listing:
    """Return the files to look at, without standard input. Raises UsageError."""
    listing = discover(
        paths,
        keep_link=lambda path: base_of(path) is not None or path_matters(os.path.abspath(path)),
        lookup=lookup,
        thorough=thorough,
    )
    if asked.since is not None:
        from rke2_lint.since import narrow

        narrow(listing, paths, asked.since)
    return listing


def _is_watched(asked: Asked) -> bool:
    """Tell whether somebody sees on a terminal how far the work is."""
    return not asked.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _lookup(asked: Asked) -> Lookup:
    """Return what finds configurations, as it is asked for. Raises UsageError."""
    if asked.isolated and asked.config is not None:
        raise UsageError("--isolated uses no configuration, and --config names one: choose one")
    return Lookup(
        config=asked.config,
        isolated=asked.isolated,
        exclude=asked.exclude,
        force_exclude=asked.force_exclude,
    )


def _see_from_above(files: Sequence[File]) -> None:
    """Name files as drop-ins where somebody stands in `config.yaml.d` itself."""
    folder = os.getcwd().replace(os.sep, "/")
    if base_of(f"{folder}/file") is not None:
        name = folder.rpartition("/")[2]
        for file in files:
            if not os.path.isabs(file.path) and not file.path.startswith(("..", STDIN)):
                file.path = f"../{name}/{file.path.removeprefix('./')}"


def _same(one: str, other: str) -> bool:
    return os.path.abspath(one) == os.path.abspath(other)


def _names(lists: Sequence[str]) -> list[str]:
    return [name for each in lists for name in each.replace(",", " ").split()]


def _wants(outputs: Outputs, need: str, asked: Asked) -> bool:
    # `--diff` takes the place of the report on standard output.
    return outputs.want(need, stdout=not asked.diff)


def _report(outcome: Outcome, outputs: Outputs | None, stream: TextIO, asked: Asked) -> None:
    """Say what was found, where it is wanted."""
    if outputs is None:
        from rke2_lint.outputs import Outputs
        from rke2_lint.reporters import FORMATS

        outputs = Outputs([FORMATS[0].name])
    form = outputs.stdout
    if form is not None and not asked.diff and (outcome.remarks or form.always):
        _say(form.render(outcome, _paint(stream, asked)), stream)
    outcome.unreadable += outputs.write(outcome)
    outcome.warnings += outputs.summarize(outcome)


def _paint(stream: TextIO, asked: Asked) -> Paint:
    from rke2_lint.paint import Paint, wanted

    return Paint(colours=wanted(stream, no_color=asked.no_color))


def _say(text: str, stream: TextIO) -> None:
    """Write a text, in parts: without Python's buffer, only the next write notices a closed pipe."""
    _write((text[start : start + _PART] for start in range(0, len(text), _PART)), stream)


def _put(data: bytes) -> None:
    """Write bytes to standard output as they are."""
    _write((), sys.stdout)
    _write((data,), sys.stdout.buffer)


def _write(parts: Iterable[AnyStr], stream: IO[AnyStr]) -> None:
    """Write all there is to a stream, now. Raises MuteError where it takes no more."""
    try:
        stream.writelines(parts)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise MuteError(why(error)) from error


def _open_what_is_closed() -> None:
    """Have streams that whoever started us has closed (`>&-`) lead nowhere."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open until the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _speak_though_nobody_hears() -> None:
    """Have what standard error does not take be lost, and nothing else."""
    if not sys.stderr.isatty():  # a terminal takes everything, and on Windows is no file
        raw = _Unheard(sys.stderr.fileno(), "w", closefd=False)
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(raw), sys.stderr.encoding, line_buffering=True
        )


def _confess() -> None:
    """Say that there is a bug, where there is still somebody to say it to."""
    import traceback

    try:
        traceback.print_exc()
        print("\nThis is a bug of rke2-lint. Please report it with these lines.", file=sys.stderr)
    except OSError:
        pass  # the exit code says it


def _silence() -> None:
    """Have standard output lead nowhere: Python must not try to write the rest when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(outcome: Outcome, asked: Asked) -> None:
    lines = [f"error: {line}" for line in outcome.unreadable]
    lines += [f"warning: {line}" for line in outcome.warnings]
    if asked.verbose:
        lines += [f"note: {line}" for line in outcome.notes]
    if lines:
        from rke2_lint.paint import harmless, without_commands

        for line in lines:
            print(without_commands(harmless(line)), file=sys.stderr)


def _usage(message: str) -> int:
    from rke2_lint.paint import harmless

    print(f"rke2-lint: error: {harmless(message)}", file=sys.stderr)
    return USAGE


def _summary(outcome: Outcome, *, fixing: bool, writing: bool) -> str:
    """Say in one line what was done, and what is left to do."""
    said = f"Checked {_counted(outcome.files, 'file')}"
    if outcome.machines:
        said += f" with {_counted(outcome.machines, 'machine')}"
    found = [
        _counted(count, severity)
        for severity in ("error", "warning", "note")
        if (count := outcome.count(severity))
    ]
    done = []
    if fixing and outcome.fixes:
        verb = "fixed" if writing else "could fix"
        done.append(f"{verb} {_counted(outcome.fixes, 'problem')}")
    if outcome.ignored:
        verb = "ignored" if writing else "could ignore"
        done.append(f"{verb} {_counted(outcome.ignored, 'finding')}")
    if done:
        said += f": {' and '.join(done)} in {_counted(len(outcome.changed), 'file')}"
        return f"{said}, {', '.join(found)} left." if found else f"{said}, nothing left."
    if outcome.suppressed:
        found.append(f"{len(outcome.suppressed):,} accepted")
    if not outcome.remarks:
        said += ": nothing found" if outcome.machines else ": no machines of RKE2 to check"
        said += f", {found[0]}." if found else "."
        if outcome.doubtful and not outcome.machines:
            said += f" {_counted(outcome.doubtful, 'doubtful file')} left alone: see --verbose."
        return said
    said += f": {', '.join(found)}."
    safe = sum(one.fixable for one in outcome.remarks)
    unsafe = sum(
        one.change is not None
        and one.change.safety == "unsafe"
        and not (one.fixable or one.refusal)
        for one in outcome.remarks
    )
    if safe:
        said += f" {safe} can be fixed with --fix."
    if unsafe:
        said += f" {unsafe} {'more' if safe else 'can be fixed'} with --fix --unsafe-fixes."
    return said


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


COMMANDS = {
    "check": _check,
    "effective": _effective,
    "rule": _rule,
    "config": _config,
    "files": _files,
    "completions": _completions,
    "lsp": _lsp,
    "node": _node,
    "verify": _verify,
    "export": _export,
}
"""What may stand first, in the order in which it is told; `check` where nothing of it does."""
