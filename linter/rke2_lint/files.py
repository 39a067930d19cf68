"""Which files are looked at, and how they are read. What they hold is known elsewhere.

Paths are kept as people write them, with `/` on every system.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence

from rke2_policies.recognise import is_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rke2_lint.configuration import Configurations
    from rke2_policies.policy import Policy

_SUFFIXES = (".yaml", ".yml", ".json")
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn CRLF into LF
# Found, not named: a FIFO that nobody writes to must not keep us waiting.
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
_BLOCK = 1 << 20
_OVERLAP = 4096

STDIN = "-"
MOST_BYTES = 16 * 1024 * 1024
"""More than that is not read into memory. `yaml_source.MAX_BYTES` is the same, and costs an import."""


CONFIGURATIONS = (".rke2-lint.yaml", ".rke2-lint.yml")
PYPROJECT = "pyproject.toml"
# `[tool.rke2-lint]` and `tool.rke2-lint.levels`; or `[tool]` and `tool = {…}`, whatever they hold.
_TABLE = rb"""(?m)tool["']?[ \t]*\.[ \t]*["']?rke2-lint|^[ \t]*\[?[ \t]*["']?tool["']?[ \t]*[]=]"""
CONFIGURES = "a configuration of rke2-lint"
NOWHERE = "is a link that leads nowhere"
NOT_OURS = "neither YAML nor JSON, nor another file that RKE2 reads"
"""Why most files of a repository are left out."""


class UsageError(Exception):
    """What was asked for cannot be done, and nothing is; the message says why, and what to do."""


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


class Lookup:
    """Finds the configuration that is nearest to a file, and asks it which files are looked at.

    Nearest is the one in the file's folder, or in the next folder above it that has one, up to the
    root of the git work tree: a clone says the same everywhere. Outside of one, up to the root of
    the file system. What configurations say is imported where there is one.

    `config`: this file, whatever lies near. `isolated`: none. `exclude`: globs from the command
    line. `force_exclude`: files that were named are left out like those that were found.
    """

    __slots__ = ("_alone", "_known", "configurations", "force_exclude")

    def __init__(
        self,
        *,
        config: str | None = None,
        isolated: bool = False,
        exclude: Sequence[str] = (),
        force_exclude: bool = False,
    ) -> None:
        self.force_exclude = force_exclude
        self.configurations: Configurations | None = None
        self._known: dict[str, str] = {}
        """By folder, in full: the folder of its configuration, "" for none."""
        self._alone = isolated or config is not None
        if config is not None or exclude:
            self._import().begin(config, exclude)

    def nearest(self, folder: str) -> str:
        """Return the folder of the configuration of a folder, both in full; "" if there is none."""
        if self._alone:
            return ""
        passed = []
        here = folder
        while (found := self._known.get(here)) is None:
            passed.append(here)
            above = os.path.dirname(here)
            if _is_configured(here):
                found = here
            elif above == here or os.path.lexists(f"{here}/.git"):
                found = ""
            else:
                here = above
                continue
            break
        self._known.update(dict.fromkeys(passed, found))
        return found

    def at(self, folder: str) -> Configurations | None:
        """Return the configurations if there may be one for a folder (in full)."""
        return self._import() if self.nearest(folder) else self.configurations

    def policy_for(self, path: str) -> Policy | None:
        """Return the policy for a file or folder, its path in full; None for the default.

        Raises UsageError for a configuration that cannot be used: asked for all files first, it
        is told before anything is done.
        """
        configurations = self.at(path.rstrip("/").rpartition("/")[0] or "/")
        return None if configurations is None else configurations.policy_for(path)

    def _import(self) -> Configurations:
        if self.configurations is None:
            from rke2_lint.configuration import Configurations

            self.configurations = Configurations(self.nearest)
        return self.configurations


def _is_configured(folder: str) -> bool:
    """Tell whether there is a configuration in a folder, or something in the way of one."""
    return any(os.path.lexists(f"{folder}/{name}") for name in CONFIGURATIONS) or has_table(folder)


def has_table(folder: str) -> bool:
    """Tell whether a folder's pyproject.toml has a table `tool.rke2-lint`.

    One that cannot be read may have it.
    """
    path = f"{folder}/{PYPROJECT}"
    try:
        data = read(File(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, NotAFileError, TooLargeError, ValueError):
        return os.path.lexists(path)
    if b"rke2-lint" not in data:
        return False
    import re

    # Most that name us name a dependency, and need not be read as TOML.
    if not re.search(_TABLE, data):
        return False
    import tomllib

    try:
        tool = tomllib.loads(data.decode()).get("tool")
    except (ValueError, RecursionError):
        return True
    return isinstance(tool, dict) and "rke2-lint" in tool


class Listing:
    """The files that some paths come to, sorted by path, and what there is to say about the rest."""

    __slots__ = (
        "_lookup", "_thorough", "context", "files", "left_out", "notes", "trees", "unread", "unreadable", "warnings",
    )  # fmt: skip

    def __init__(self, lookup: Lookup, *, thorough: bool = False) -> None:
        self._lookup = lookup
        self._thorough = thorough
        self.files: list[File] = []
        self.context: list[File] = []
        """Files that have not changed, and are not looked at; they may hold what others refer to."""
        self.unreadable: list[str] = []
        """Paths that were named and cannot be read, each with the reason."""
        self.warnings: list[str] = []
        self.notes: list[str] = []
        """What was left out, for `--verbose`."""
        self.left_out: list[tuple[str, str]] = []
        """Files, and folders with a `/` at their end, that are not looked at, and why."""
        self.unread: list[tuple[str, str]] = []
        """Files and folders that cannot be read, and why."""
        self.trees: list[str] = []
        """The folders that git has listed."""

    def complain(self, path: str, reason: str, *, named: bool) -> None:
        """Remember that `path` cannot be read: an error where it was named, else a warning."""
        self.unread.append((path, reason))
        (self.unreadable if named else self.warnings).append(f"{path}: {reason}")

    def takes(self, path: str, where: str, within: str) -> bool:
        """Tell whether a file that was found in the folder `within` is looked at.

        `where` is its path in full, and `within` is one, with a `/` at its end.
        """
        worth = is_worth_a_look(where)
        configurations = self._lookup.at(where.rpartition("/")[0] or "/")
        if configurations is None:
            return worth or self._passes_over(path)
        if reason := configurations.excluded(where, within):
            if worth:
                self.leave_out(path, reason)
            return False
        return worth or configurations.names(where) or self._passes_over(path)

    def leaves_out(self, path: str, where: str, within: str = "") -> bool:
        """Tell whether the configurations leave out a file or a folder, and remember why."""
        configurations = self._lookup.at(where.rstrip("/").rpartition("/")[0] or "/")
        if configurations is None or not (reason := configurations.excluded(where, within)):
            return False
        self.leave_out(path, reason)
        return True

    def refuses(self, path: str, where: str) -> bool:
        """Tell whether a file or folder that was named is left out, and remember why."""
        if self._lookup.force_exclude:
            return self.leaves_out(path, where)
        self._lookup.policy_for(where)  # whoever named it means it
        return False

    def _passes_over(self, path: str) -> bool:
        """Say of a file that is not worth a look why, where that is asked for."""
        if self._thorough:
            reason = NOT_OURS
            folder, _, name = path.rpartition("/")
            if os.path.islink(path) and os.path.isdir(path):
                reason = "is a link to a folder"
            elif name == PYPROJECT and has_table(folder or "."):
                reason = CONFIGURES
            self.left_out.append((path, reason))
        return False

    def leave_out(self, path: str, reason: str) -> None:
        """Remember that a path is left out."""
        self.left_out.append((path, reason))
        self.notes.append(f"{path}: {reason}")


class NotAFileError(Exception):
    """What was found is a device, a FIFO or a socket."""


class TooLargeError(Exception):
    """There are more bytes than are read into memory. `begin` is what a stream has given so far."""

    def __init__(self, begin: bytes | None = None) -> None:
        super().__init__()
        self.begin = begin


def discover(
    paths: Iterable[str],
    keep_link: Callable[[str], bool],
    lookup: Lookup | None = None,
    *,
    thorough: bool = False,
) -> Listing:
    """List the files that `paths` name, and those worth a look in the folders among them.

    A file with several names is listed once. A link stands back behind the file itself, unless
    `keep_link` says that its own path means something. `thorough`: what nobody would think of is
    remembered as left out, too. Raises UsageError for a configuration that cannot be used.
    """
    listing = Listing(lookup or Lookup(), thorough=thorough)
    candidates = []
    for path in paths:
        path = path.replace(os.sep, "/")
        try:
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        except (OSError, ValueError) as error:
            listing.complain(path or "''", why(error), named=True)
            continue
        if is_folder:
            candidates += [File(each) for each in _folder(path, listing)]
        elif not listing.refuses(path, absolute(path)):
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
            listing.leave_out(file.path, f"the same file as {first}")
    listing.files.sort(key=lambda file: file.path)
    return listing


def _rank(entry: tuple[File, object]) -> tuple[bool, bool, str]:
    """Say which name of a file counts: not a link's, then the one that was named, then the first."""
    file = entry[0]
    return file.is_link, not file.named, file.path


def _known(candidates: Iterable[File], listing: Listing) -> Iterator[tuple[File, object]]:
    """Yield the files that are there and can be read, with what tells them from others."""
    for file in candidates:
        if file.path.endswith(CONFIGURATIONS) and file.path.rpartition("/")[2] in CONFIGURATIONS:
            listing.leave_out(file.path, CONFIGURES)
            continue
        try:
            status = os.lstat(file.path)
            if stat.S_ISLNK(status.st_mode):
                file.is_link = True
                status = os.stat(file.path)
        except FileNotFoundError:
            # Git lists what was deleted and not yet committed; a link may lead nowhere.
            listing.leave_out(file.path, NOWHERE if file.is_link else "is not there")
            continue
        except OSError as error:
            import errno

            if file.is_link and error.errno == errno.ELOOP and not file.named:
                listing.leave_out(file.path, NOWHERE)
                continue
            listing.complain(file.path, why(error), named=file.named)
            continue
        if stat.S_ISREG(status.st_mode) or (file.named and not stat.S_ISDIR(status.st_mode)):
            # Two hard links are two files for whoever replaces one of them.
            hard = os.path.realpath(file.path) if status.st_nlink > 1 else ""
            yield file, (status.st_dev, status.st_ino, hard)
        else:
            listing.leave_out(file.path, "is not a file")


def _folder(folder: str, listing: Listing) -> Iterator[str]:
    """Yield the paths below `folder` that are worth a look."""
    from rke2_lint.git_files import is_work_tree

    within = f"{absolute(folder)}/"
    if listing.refuses(folder, within):
        return iter(())
    look = _listed if is_work_tree(folder) else _walk
    return look(folder, listing, within)


def _listed(folder: str, listing: Listing, within: str) -> Iterator[str]:
    """Yield the paths that git lists below `folder`."""
    from rke2_lint import git_files

    complaints: list[str] = []
    nested = []
    where = absolute(folder)
    nothing = True
    listing.trees.append(folder)
    try:
        for name in git_files.listed(folder, complaints):
            nothing = False
            if name.endswith("/"):
                nested.append(name.rstrip("/"))
            elif listing.takes(path := join(folder, name), f"{where}/{name}", within):
                yield path
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
        path = join(folder, name)
        # Its files have configurations of their own; whether it is looked at, this one says.
        if os.path.isdir(path) and not listing.leaves_out(f"{path}/", f"{where}/{name}/", within):
            yield from _listed(path, listing, within)
    if walk:
        yield from _walk(folder, listing, within)


def _walk(folder: str, listing: Listing, within: str) -> Iterator[str]:
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
            yield from _listed(here, listing, within)
            continue
        where = absolute(here)
        for entry in found:
            path = join(here, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git" and not listing.leaves_out(
                    f"{path}/", f"{where}/{entry.name}/", within
                ):
                    pending.append(path)
            elif listing.takes(path, f"{where}/{entry.name}", within):
                yield path


def is_worth_a_look(where: str) -> bool:
    """Tell by its absolute path whether a file may be one of those that RKE2 or Rancher reads.

    RKE2 reads YAML from `config.yaml.d` whatever else is there; people put files into it, or into
    a `config.d`, that they believe to be read.
    """
    if where.lower().endswith(_SUFFIXES) or "/config.yaml.d/" in where:
        return True
    if "/config.d/" in where:
        return os.path.exists(f"{where.partition('/config.d/')[0]}/config.yaml")
    return is_environment(where)


def absolute(path: str) -> str:
    """Return a path in full, with `/` on every system, and none at its end."""
    return os.path.abspath(path).replace(os.sep, "/").rstrip("/")


def join(folder: str, name: str) -> str:
    """Return the path of what is in a folder, as people name that folder."""
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


def read_or_nothing(file: File) -> bytes:
    """Return a file's bytes, or none: that it cannot be read is told elsewhere."""
    try:
        return read(file)
    except (OSError, NotAFileError, TooLargeError):
        return b""


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
    """Return an error of the system in its own words, without the path; ours for a dead link."""
    missing = error.filename if isinstance(error, FileNotFoundError) else None
    if isinstance(missing, str) and os.path.islink(missing):
        return NOWHERE
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
