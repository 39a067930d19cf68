"""Holders: the files of the workspace that hold Secrets and ConfigMaps, to which a Cluster may refer.

They are looked for once, when the first Cluster refers to one: that may take a while in a large
folder. Afterwards only files that change are looked at again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from rke2_lint.files import File, Lookup, NotAFileError, TooLargeError, UsageError, discover, read
from rke2_lint.lsp.addresses import is_on_disk
from rke2_lint.lsp.neighbours import Buffers, Loaded, load
from rke2_policies.recognise import base_of, path_matters

_WORDS = (b"Secret", b"ConfigMap", b"secret", b"configmap")


class Holders:
    """The files of some folders that hold Secrets and ConfigMaps."""

    def __init__(self, find: Callable[[], Lookup], folders: Iterable[str] = ()) -> None:
        self._lookup = find
        self._folders = [folder for folder in folders if is_on_disk(folder)]
        self._paths: set[str] | None = None

    @property
    def known(self) -> bool:
        """Whether they have been looked for."""
        return self._paths is not None

    def find(self) -> None:
        """Look for them in the folders."""
        there = [folder for folder in self._folders if os.path.isdir(folder)]
        try:
            listing = discover(
                there, lambda path: base_of(path) is not None or path_matters(path), self._lookup()
            )
        except UsageError:
            self.give_up()  # whoever looks at a Cluster under this configuration is told why
            return
        self._paths = {file.path for file in listing.files if _holds(file.path)}

    def give_up(self) -> None:
        """Do with what is open: the folders cannot be searched."""
        self._paths = set()

    def look(self, paths: Sequence[str]) -> None:
        """Look at files again that have changed on the disk."""
        if self._paths is None:
            return
        for path in paths:
            inside = any(path.startswith(f"{folder.rstrip('/')}/") for folder in self._folders)
            if inside and _holds(path):
                self._paths.add(path)
            else:
                self._paths.discard(path)

    def load(self, buffers: Buffers) -> Loaded | None:
        """Return them with their bytes, as they stand in the editor where they are open; None: not known yet."""
        if self._paths is None:
            return None
        open_now = {path for path, one in buffers.items() if may_be_referred_to(one.data)}
        there = {path for path in self._paths if path not in buffers}
        return load(sorted(there | open_now), buffers)


def _holds(path: str) -> bool:
    try:
        return may_be_referred_to(read(File(path)))
    except (OSError, ValueError, NotAFileError, TooLargeError):
        return False


def may_be_referred_to(data: bytes) -> bool:
    """Tell whether a file may hold a Secret or a ConfigMap."""
    return any(word in data for word in _WORDS)
