"""Outputs: which report goes where, as `--output-format FORMAT[=FILE]` asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from rke2_lint.files import why
from rke2_lint.paint import Paint
from rke2_lint.reporters import FORMATS, Format, format_named
from rke2_policies.edit_distance import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rke2_lint.health.told import Told
    from rke2_lint.outcome import Outcome

_STDOUT = "-"


class OutputError(Exception):
    """What is asked for cannot be done: the reason, for people."""


class Outputs:
    """The reports of a run: at most one for standard output, and any number of files."""

    __slots__ = ("files", "stdout")

    def __init__(
        self,
        asked: Iterable[str],
        read: Iterable[str] = (),
        formats: Sequence[Format] = FORMATS,
    ) -> None:
        """Read what is asked for, each `FORMAT` or `FORMAT=FILE`. Raises OutputError.

        `read`: the files that the run is told to read. No report takes the place of one, nor of a
        manifest that is there.
        """
        self.stdout: Format | None = None
        self.files: list[tuple[str, Format]] = []
        """Paths, each with the format that goes there."""
        taken = {os.path.realpath(path): "what is read" for path in read if os.path.isfile(path)}
        for each in asked:
            form, path = _parsed(each, formats)
            if not path:
                if self.stdout is not None:
                    raise OutputError(
                        f"{self.stdout.name} and {form.name} cannot both go to standard output:"
                        f" give one a file, as in --output-format {form.name}=FILE"
                    )
                self.stdout = form
                continue
            where = os.path.realpath(path)
            if where in taken:
                raise OutputError(f"{each}: {path} is taken by {taken[where]}")
            if _is_manifest(where):
                raise OutputError(f"{each}: {path} is there, and is no report: name another file")
            taken[where] = form.name
            self.files.append((path, form))

    def want(self, need: str, *, stdout: bool) -> bool:
        """Tell whether a report needs to be told `pictures`, `suggestions` or `machines`.

        `stdout`: whether the one for standard output counts.
        """
        forms = [form for _, form in self.files]
        if self.stdout is not None and stdout:
            forms.append(self.stdout)
        if need == "pictures" and self._job_summary():
            return True
        return any(getattr(form, need) for form in forms)

    def replaces(self, path: str) -> bool:
        """Return whether a report takes the place of a file, which was a report before."""
        name = os.path.basename(path)
        return any(
            name == os.path.basename(one) and os.path.realpath(path) == os.path.realpath(one)
            for one, _ in self.files
        )

    def write(self, outcome: Outcome | Told) -> Iterator[str]:
        """Write the files. Yield those that could not be written, each with the reason."""
        from rke2_lint.writing import put

        for path, form in self.files:
            text = form.render(outcome, Paint(colours=False))
            try:
                put(path, _bytes(text))
            except OSError as error:
                yield f"{path}: cannot be written: {why(error)}"

    def summarize(self, outcome: Outcome) -> Iterator[str]:
        """Add to the summary of a GitHub job, where there is one. Yield why that cannot be done."""
        path = self._job_summary()
        if path:
            from rke2_lint.reporters import markdown

            try:
                with open(path, "ab") as file:
                    file.write(_bytes(markdown.render(outcome)))
            except OSError as error:
                yield f"{path}: the summary of the job cannot be written: {why(error)}"

    def _job_summary(self) -> str:
        forms = [self.stdout, *(form for _, form in self.files)]
        if any(form is not None and form.name == "github" for form in forms):
            return os.environ.get("GITHUB_STEP_SUMMARY", "")
        return ""


def _parsed(asked: str, formats: Sequence[Format]) -> tuple[Format, str]:
    """Return a format, and the file that it goes to: "" for standard output."""
    name, is_to_file, path = asked.partition("=")
    form = format_named(name, formats)
    if form is None:
        names = [one.name for one in formats]
        near = nearest(name, names)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
        raise OutputError(f"unknown format {name!r}: {hint}")
    if not is_to_file or path == _STDOUT:
        return form, ""
    if not path:
        raise OutputError(f"{asked} names no file")
    if os.path.isdir(path):
        raise OutputError(f"{asked}: {path} is a folder")
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise OutputError(f"{asked}: there is no folder {folder}; make it first")
    return form, path


def _is_manifest(path: str) -> bool:
    """Tell whether a file holds what somebody wrote: YAML, which no report is, or an object in JSON."""
    if not (os.path.isfile(path) and os.path.getsize(path)):
        return False
    if path.endswith((".yaml", ".yml")):
        return True
    try:
        with open(path, "rb") as file:
            # In a report that shows such lines, a backslash stands before the second quote.
            return path.endswith(".json") and b'"apiVersion"' in file.read()
    except OSError:
        return False  # it will be told when it cannot be written


def _bytes(text: str) -> bytes:
    # As standard output does: half a character is told by its number.
    return text.encode("utf-8", "backslashreplace")
