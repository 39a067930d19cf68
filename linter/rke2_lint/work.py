"""The way of all files: read, leave out what cannot matter, and have the rest inspected.

Nearly every file ends at the search of its bytes, so nothing is imported here before it is needed.
What decides about the same machines is inspected together and the rest one by one, so that any
repository fits into memory, and several processes can share it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from rke2_lint.files import File, NotAFileError, TooLargeError, blocks, read, why
from rke2_lint.outcome import Outcome
from rke2_policies import recognise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rke2_lint.inspection import Inspector
    from rke2_lint.options import Options
    from rke2_lint.progress import Bar

# Bytes of YAML that are still to be inspected. Measured on two cores: with half of it, what a
# second process costs is won back; with all of it, a third of the time is saved.
_WORTH_A_PROCESS = 400_000
_MOST_PROCESSES = 8
_PATIENCE = 1.0
"""Seconds until people want to see how far it is."""
_LOOK_AHEAD = 64
FROM_ELSEWHERE = b"machineSelectorFiles"
HOLDERS = (b"Secret", b"ConfigMap", b"secret", b"configmap")

Unit = list[File]
Loaded = list[tuple[File, bytes | None]]


def units(files: Iterable[File]) -> list[Unit]:
    """Put the files together that decide about the same machines: those of one node."""
    by_node: dict[str, Unit] = {}
    for file in files:
        by_node.setdefault(node_of(file.path), []).append(file)
    return list(by_node.values())


def node_of(path: str) -> str:
    """Return the config file that a file belongs to: itself, but for drop-ins and their like."""
    if ".d/" in path and (base := recognise.base_of(path)):
        return base
    if "rke2-" in path and recognise.is_environment(path):
        return recognise.config_of_environment(path)
    return path


class Work:
    """One process's work on a list of units, and what came of it.

    `watched`: somebody sits at a terminal, and this many files are to be looked at.
    """

    def __init__(self, options: Options, *, watched: int = 0) -> None:
        self.outcome = Outcome()
        self._options = options
        self._inspector: Inspector | None = None
        self._inspected = 0
        here = os.getcwd().replace(os.sep, "/")
        self._here = here if here.endswith("/") else f"{here}/"
        self._watched = watched
        self._done = 0
        self._bar: Bar | None = None
        self._tells: int | None = None
        """Of a process that helps: where it tells that files are done, a byte for each unit."""
        self._told: int | None = None
        """Of the process that is helped: where it hears that."""
        if watched:
            from time import monotonic

            self._begin = monotonic()

    def run(self, work: Sequence[Unit], processes: int = 1) -> None:
        """Do the work, with the help of other processes where there is much of it."""
        for done, unit in enumerate(work, start=1):
            loaded = self._load(unit)
            self.outcome.files += len(loaded)
            if loaded and self._matters(loaded):
                self._inspected += sum(len(data) for _, data in loaded if data)
                if any(data is not None and FROM_ELSEWHERE in data for _, data in loaded):
                    self.outcome.waiting.append(unit)
                else:
                    self._inspect(loaded, [])
            if self._watched:
                self._count(len(unit))
            if processes > 1 and done % _LOOK_AHEAD == 0:
                left = len(work) - done
                if self._inspected * left > _WORTH_A_PROCESS * done:
                    self._share(work[done:], processes)
                    return

    def finish(self, files: Iterable[File]) -> None:
        """Inspect the units that waited for all files, because they take something from some of them."""
        waiting, self.outcome.waiting = self.outcome.waiting, []
        if waiting:
            self._done -= sum(map(len, waiting))  # they were put off
            holders = [
                one
                for one in self._load(files, again=True)
                if one[1] is not None and any(word in one[1] for word in HOLDERS)
            ]
            for unit in waiting:
                own = {file.path for file in unit}
                others = [one for one in holders if one[0].path not in own]
                self._inspect(self._load(unit, again=True), others)
                if self._watched:
                    self._count(len(unit))

    def clear(self) -> None:
        """Take away what a terminal shows of the progress."""
        if self._bar is not None:
            self._bar.clear()

    def _count(self, files: int) -> None:
        """Say that so many more files are done, to those who want to see it."""
        if self._tells is not None:
            os.write(self._tells, bytes((min(files, 255),)))
        else:
            self._show(files if self._told is None else files + _heard(self._told))

    def _show(self, files: int) -> None:
        """Show that so many more files are done, once people begin to wonder."""
        self._done += files
        if self._bar is None:
            from time import monotonic

            if monotonic() - self._begin < _PATIENCE:
                return
            from rke2_lint.progress import Bar

            self._bar = Bar(self._watched)
        self._bar.show(self._done)

    def _matters(self, loaded: Loaded) -> bool:
        return self._options.kind is not None or any(
            data is None or recognise.may_matter(self._where(file.path), data)
            for file, data in loaded
        )

    def _where(self, path: str) -> str:
        """Return a path in full: the folder where somebody stands says as much as one they name."""
        where = path if os.path.isabs(path) else self._here + path
        return os.path.abspath(where).replace(os.sep, "/") if "./" in path else where

    def _inspect(self, loaded: Loaded, holders: Loaded) -> None:
        if self._inspector is None:
            from rke2_lint.inspection import Inspector

            self._inspector = Inspector(self._options, self.outcome, self._where)
        context = self._load(context_of(loaded), again=True)
        self._inspector.inspect(loaded, context, holders)

    def _load(self, files: Iterable[File], *, again: bool = False) -> Loaded:
        """Return the files that can be read, with their bytes: None for one that is too large, and ours.

        `again`: they were read before, and what was to say about them is said.
        """
        loaded: Loaded = []
        for file in files:
            try:
                loaded.append((file, read(file)))
            except FileNotFoundError as error:
                if file.named:
                    self.outcome.unreadable.append(f"{file.path}: {why(error)}")
            except OSError as error:
                if not again or not file.given:
                    self._complain(file, why(error))
            except NotAFileError:
                self.outcome.notes.append(f"{file.path}: is not a file")
            except TooLargeError as large:
                if self._is_ours(
                    file.path, blocks(file.path) if large.begin is None else [large.begin]
                ):
                    loaded.append((file, None))
                else:
                    self.outcome.notes.append(
                        f"{file.path}: is very large, and does not look like ours"
                    )
        return loaded

    def _complain(self, file: File, reason: str) -> None:
        where = self.outcome.unreadable if file.named else self.outcome.warnings
        where.append(f"{file.path}: {reason}")

    def _is_ours(self, path: str, parts: Iterable[bytes]) -> bool:
        where = self._where(path)
        return any(recognise.is_ours(where, part) for part in parts)

    def _share(self, work: Sequence[Unit], processes: int) -> None:
        """Deal the work out, do a part of it here, and take in what the others found."""
        import pickle
        import sys
        import traceback

        sys.stdout.flush()
        sys.stderr.flush()
        readers = []
        heard, tells = os.pipe() if self._watched else (None, None)
        for part in range(1, processes):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    os.close(reader)
                    worker = Work(self._options, watched=self._watched)
                    worker._tells = tells
                    worker.run(work[part::processes])
                    if tells is not None:
                        os.close(tells)
                    with os.fdopen(writer, "wb") as pipe:
                        pickle.dump(worker.outcome, pipe, pickle.HIGHEST_PROTOCOL)
                    status = 0
                except (KeyboardInterrupt, BrokenPipeError):
                    pass  # who started it has ended, and says so
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(status)
            os.close(writer)
            readers.append((reader, child))
        if heard is not None and tells is not None:
            os.close(tells)
            os.set_blocking(heard, False)
            self._told = heard
        self.run(work[::processes])
        if heard is not None:
            # The other processes hand over what they found when they have no more to tell here.
            os.set_blocking(heard, True)
            while files := _heard(heard):
                self._show(files)
            os.close(heard)
            self._told = None
        for reader, child in readers:
            with os.fdopen(reader, "rb") as pipe:
                told = pipe.read()
            _, status = os.waitpid(child, 0)
            if status:
                raise WorkerError(status)
            self.outcome.add(pickle.loads(told))  # noqa: S301 - our own process wrote it


class WorkerError(Exception):
    """A process that shared the work has ended with an error, and has said so itself."""


def _heard(pipe: int) -> int:
    """Return how many files other processes have done since: 0 where none has, or all have ended."""
    try:
        return sum(os.read(pipe, 1 << 16))
    except BlockingIOError:
        return 0


def available() -> int:
    """Return how many processes may work at once: one where a process cannot be forked."""
    if not hasattr(os, "fork"):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES)
    return min(os.cpu_count() or 1, _MOST_PROCESSES)


def context_of(loaded: Loaded) -> Iterator[File]:
    """Yield what decides with these files and is not among them: a node's base file and drop-ins."""
    path = loaded[0][0].path
    base = node_of(path)
    own = {file.path for file, _ in loaded}
    if base not in own and base != path and os.path.isfile(base):
        yield File(base, given=False)
    folder = f"{base}.d"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        drop_in = f"{folder}/{name}"
        if drop_in not in own and recognise.is_drop_in(drop_in) and os.path.isfile(drop_in):
            yield File(drop_in, given=False)
