"""Writing files: a new one takes the old one's place at once, or nothing happens."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from rke2_lint.files import why


class NotWrittenError(Exception):
    """The file stays as it is: the reason, for people."""


def replace(path: str, before: bytes, after: bytes) -> None:
    """Put `after` where `before` is, with the same mode and owner. Raises NotWrittenError."""
    try:
        _replace(path, before, after)
    except OSError as error:
        raise NotWrittenError(why(error)) from error


def _replace(path: str, before: bytes, after: bytes) -> None:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        raise NotWrittenError(f"it is a link to {os.path.realpath(path)}")
    if not stat.S_ISREG(status.st_mode):
        raise NotWrittenError("it is not a file")
    if not os.access(path, os.W_OK):
        raise NotWrittenError("it is write-protected")
    folder, name = os.path.split(path)
    handle, made = tempfile.mkstemp(prefix=f".{name}.", suffix=".rke2-lint", dir=folder or ".")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(after)
            new.flush()
            _keep(status, path, made)
            os.fsync(handle)
        _unchanged(path, before)
        os.replace(made, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(made)
        raise
    _settle(folder or ".")


def put(path: str, data: bytes) -> None:
    """Put `data` into a file, new or not: whole, or not at all. Raises OSError.

    A device or a pipe is written to. A link is followed: what it leads to is replaced.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    is_file = status is None or stat.S_ISREG(status.st_mode)
    if not is_file or path.startswith(("/dev/", "/proc/")):
        # Also /dev/stdout where that leads to a file: whoever opened it would lose sight of a new one.
        with open(path, "wb") as device:
            device.write(data)
        return
    folder, name = os.path.split(os.path.realpath(path))
    made = os.path.join(folder, f".{name}.{os.getpid()}.rke2-lint")
    # Not by `mkstemp`: other people may read a report, as far as the umask lets them.
    new = open(made, "xb")  # noqa: SIM115 - what was there before is not ours to delete
    try:
        with new:
            new.write(data)
        if status is not None:
            os.chmod(made, stat.S_IMODE(status.st_mode))
        os.replace(made, os.path.join(folder, name))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(made)
        raise


def _unchanged(path: str, before: bytes) -> None:
    with open(path, "rb") as file:
        if file.read() != before:
            raise NotWrittenError("it has changed since it was read")


def _keep(status: os.stat_result, path: str, made: str) -> None:
    """Give the new file the owner, the attributes and the mode of the old one."""
    if hasattr(os, "chown"):
        own = os.stat(made)
        if (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
            try:
                os.chown(made, status.st_uid, status.st_gid)
            except OSError as error:
                raise NotWrittenError("it is somebody else's, and would become yours") from error
    if hasattr(os, "listxattr"):
        # Access lists and SELinux labels. Where the file system has none, there are none to keep.
        with contextlib.suppress(OSError):
            for attribute in os.listxattr(path):
                os.setxattr(made, attribute, os.getxattr(path, attribute))
    os.chmod(made, stat.S_IMODE(status.st_mode))


def _settle(folder: str) -> None:
    """Have the folder written, too, where the system can: a crash then leaves one file or the other."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
