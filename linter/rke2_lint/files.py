"""Which files are looked at, and how they are read. What they hold is known elsewhere.

Paths are kept as people write them, with `/` on every system.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator

from rke2_policies.recognise import is_environment

_SUFFIXES = (".yaml", ".yml", ".json")
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn CRLF into LF
# Found, not named: a FIFO that nobody writes to must not keep us waiting.
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
_BLOCK = 1 << 20
_OVERLAP = 4096

STDIN = "-"
MOST_BYTES = 16 * 1024 * 1024
"""More than that is not read into memory. `yaml_source.MAX_BYTES` is the same, and costs an import."""


class File:
    """A file to look at, or to look up where it is not `given`.

    `named`: people named it themselves, and no folder above it. `data` is there already where it
    came from standard input.
    """

    __slots__ = ("data", "given", "is_link", "named", "path")

    def __init__(
        self, path: str, *, named: bool = False, given: bool = True, data: bytes | None = None
    ) -> None:
        self.path = path
        self.named = named
        self.given = given
        self.is_link = False
        self.data = data


class Listing:
    """The files that some paths come to, sorted by path, and what there is to say about the rest."""

    __slots__ = ("files", "notes", "unreadable", "warnings")

    def __init__(self) -> None:
        self.files: list[File] = []
        self.unreadable: list[str] = []
        """Paths that were named and cannot be read, each with the reason."""
        self.warnings: list[str] = []
        self.notes: list[str] = []
        """What was left out, for `--verbose`."""

    def complain(self, path: str, reason: str, *, named: bool) -> None:
        """Remember that `path` cannot be read: an error where it was named, else a warning."""
        (self.unreadable if named else self.warnings).append(f"{path}: {reason}")


class NotAFileError(Exception):
    """What was found is a device, a FIFO or a socket."""


class TooLargeError(Exception):
    """There are more bytes than are read into memory. `begin` is what a stream has given so far."""

    def __init__(self, begin: bytes | None = None) -> None:
        super().__init__()
        self.begin = begin


def discover(paths: Iterable[str], keep_link: Callable[[str], bool]) -> Listing:
    """List the files that `paths` name, and those worth a look in the folders among them.

    A file with several names is listed once. A link stands back behind the file itself, unless
    `keep_link` says that its own path means something.
    """
    listing = Listing()
    candidates = []
    for path in paths:
        path = path.replace(os.sep, "/")
        try:
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        except (OSError, ValueError) as error:
            listing.complain(path, why(error), named=True)
            continue
        if is_folder:
            candidates += [File(each) for each in _folder(path, listing)]
        else:
            candidates.append(File(path, named=True))
    seen: dict[object, str] = {}
    for file, identity in sorted(_known(candidates, listing), key=_rank):
        first = seen.get(identity)
        if first is None:
            seen[identity] = file.path
            listing.files.append(file)
        elif file.is_link and first != file.path and keep_link(file.path):
            listing.files.append(file)
        elif first != file.path:
            listing.notes.append(f"{file.path}: the same file as {first}")
    listing.files.sort(key=lambda file: file.path)
    return listing


def _rank(entry: tuple[File, object]) -> tuple[bool, bool, str]:
    """Say which name of a file counts: not a link's, then the one that was named, then the first."""
    file = entry[0]
    return file.is_link, not file.named, file.path


def _known(candidates: Iterable[File], listing: Listing) -> Iterator[tuple[File, object]]:
    """Yield the files that are there and can be read, with what tells them from others."""
    for file in candidates:
        try:
            status = os.lstat(file.path)
            if stat.S_ISLNK(status.st_mode):
                file.is_link = True
                status = os.stat(file.path)
        except FileNotFoundError:
            # Git lists what was deleted and not yet committed; a link may lead nowhere.
            listing.notes.append(f"{file.path}: is not there")
            continue
        except OSError as error:
            listing.complain(file.path, why(error), named=file.named)
            continue
        if stat.S_ISREG(status.st_mode) or (file.named and not stat.S_ISDIR(status.st_mode)):
            # Two hard links are two files for whoever replaces one of them.
            hard = os.path.realpath(file.path) if status.st_nlink > 1 else ""
            yield file, (status.st_dev, status.st_ino, hard)
        else:
            listing.notes.append(f"{file.path}: is not a file")


def _folder(folder: str, listing: Listing) -> Iterator[str]:
    """Yield the paths below `folder` that are worth a look."""
    from rke2_lint.git_files import is_work_tree

    return _listed(folder, listing) if is_work_tree(folder) else _walk(folder, listing)


def _listed(folder: str, listing: Listing) -> Iterator[str]:
    """Yield the paths that git lists below `folder`."""
    from rke2_lint import git_files

    complaints: list[str] = []
    nested = []
    where = _absolute(folder)
    nothing = True
    try:
        for name in git_files.listed(folder, complaints):
            nothing = False
            if name.endswith("/"):
                nested.append(name.rstrip("/"))
            elif _is_worth_a_look(f"{where}/{name}"):
                yield _join(folder, name)
        # Whoever names an ignored folder wants to know what is in it.
        walk = nothing and git_files.is_ignored(folder)
    except git_files.GitMissingError as error:
        listing.notes.append(f"{folder}: {error}, so files that git ignores are looked at, too")
        walk = True
    except git_files.GitError as error:
        listing.warnings.append(
            f"{folder}: git cannot tell what it ignores, so that is looked at, too ({error})"
        )
        walk = True
    listing.warnings += complaints
    for name in nested:
        if os.path.isdir(path := _join(folder, name)):
            yield from _listed(path, listing)
    if walk:
        yield from _walk(folder, listing)


def _walk(folder: str, listing: Listing) -> Iterator[str]:
    """Yield the paths below `folder` that are worth a look, without git. Links to folders end here."""
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            with os.scandir(here) as entries:
                found = list(entries)
        except OSError as error:
            listing.complain(here, why(error), named=here is folder)
            continue
        if here is not folder and any(entry.name == ".git" for entry in found):
            yield from _listed(here, listing)
            continue
        where = _absolute(here)
        for entry in found:
            path = _join(here, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    pending.append(path)
            elif _is_worth_a_look(f"{where}/{entry.name}"):
                yield path


def _is_worth_a_look(where: str) -> bool:
    """Tell by its absolute path whether a file may be one of those that RKE2 or Rancher reads.

    RKE2 reads YAML from `config.yaml.d` whatever else is there; people put files into it, or into
    a `config.d`, that they believe to be read.
    """
    if where.lower().endswith(_SUFFIXES) or "/config.yaml.d/" in where:
        return True
    if "/config.d/" in where:
        return os.path.exists(f"{where.partition('/config.d/')[0]}/config.yaml")
    return is_environment(where)


def _absolute(folder: str) -> str:
    return os.path.abspath(folder).replace(os.sep, "/").rstrip("/")


def _join(folder: str, name: str) -> str:
    if folder in (".", "./"):
        return name
    return f"{folder}{name}" if folder.endswith("/") else f"{folder}/{name}"


def read(file: File) -> bytes:
    """Return a file's bytes. Raises OSError, NotAFileError and TooLargeError."""
    if file.data is not None:
        return file.data
    handle = os.open(file.path, os.O_RDONLY | _BINARY | (0 if file.named else _NO_WAITING))
    try:
        status = os.fstat(handle)
        if not (file.named or stat.S_ISREG(status.st_mode)):
            raise NotAFileError
        if status.st_size > MOST_BYTES:
            raise TooLargeError
        data = os.read(handle, status.st_size + 1)
        if data and len(data) != status.st_size:
            # A pipe, /proc, or a file that grows: read on to the end.
            data = _rest(handle, data)
        return data
    finally:
        os.close(handle)


def read_stdin() -> bytes:
    """Return what standard input gives. Raises OSError and TooLargeError."""
    return _rest(0, b"")


def _rest(handle: int, data: bytes) -> bytes:
    blocks = [data]
    size = len(data)
    while block := os.read(handle, _BLOCK):
        blocks.append(block)
        size += len(block)
        if size > MOST_BYTES:
            raise TooLargeError(b"".join(blocks))
    return b"".join(blocks)


def blocks(path: str) -> Iterator[bytes]:
    """Yield a large file in blocks that overlap, so that no word is cut in two. Raises OSError."""
    with open(path, "rb") as file:
        tail = b""
        while block := file.read(_BLOCK):
            yield tail + block
            tail = block[-_OVERLAP:]


def why(error: Exception) -> str:
    """Return an error of the system in its own words, without the path."""
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
