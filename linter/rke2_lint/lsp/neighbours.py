"""Neighbours: the files that decide together with one that is open, as they stand in the editor.

What is open counts as it is there, saved or not; the rest is read from the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from rke2_lint.files import MOST_BYTES, File, NotAFileError, TooLargeError, blocks, read
from rke2_lint.lsp.addresses import is_on_disk
from rke2_lint.lsp.buffers import Buffer
from rke2_lint.work import node_of
from rke2_policies import recognise

Loaded = list[tuple[File, bytes | None]]
Buffers = Mapping[str, Buffer]
_SUFFIXES = (".yaml", ".yml", ".json")
_DEEPEST = 3
"""How far below a drop-in folder files are looked for that RKE2 does not read from there."""


def files_of(node: str, buffers: Buffers) -> Loaded:
    """Return the files of a node, or the one file that `node` is, with their bytes."""
    paths = {path for path in buffers if node_of(path) == node}
    if is_on_disk(node):
        paths.update(_on_disk(node))
    return load(sorted(paths), buffers)


def load(paths: Iterable[str], buffers: Buffers) -> Loaded:
    """Read files: None for one that is too large, and ours. What cannot be read is left out."""
    loaded: Loaded = []
    for path in paths:
        buffer = buffers.get(path)
        if buffer is not None:
            data = buffer.data
            if len(data) <= MOST_BYTES:
                loaded.append((File(path, data=data), data))
            elif recognise.is_ours(path, data):
                loaded.append((File(path), None))
            continue
        file = File(path)
        try:
            loaded.append((file, read(file)))
        except TooLargeError:
            if _is_ours(path):
                loaded.append((file, None))
        except (OSError, ValueError, NotAFileError):
            continue
    return loaded


def _is_ours(path: str) -> bool:
    try:
        return any(recognise.is_ours(path, block) for block in blocks(path))
    except OSError:
        return False


def _on_disk(node: str) -> Iterator[str]:
    """Yield the paths of a node's files that may be there."""
    yield node
    folders = [f"{node}.d"]
    if node.endswith("/config.yaml") and os.path.exists(node):
        folders.append(f"{node.removesuffix('config.yaml')}config.d")
    for folder in folders:
        for path in _below(folder, _DEEPEST):
            reads_all = path.startswith(f"{node}.d/") and node.endswith("/config.yaml")
            if reads_all or path.lower().endswith(_SUFFIXES):
                yield path
    for folder in recognise.environment_folders(node):
        for name in _names(folder):
            path = f"{folder}{name}"
            if recognise.is_environment(path) and node_of(path) == node:
                yield path


def _below(folder: str, depth: int) -> Iterator[str]:
    for name in _names(folder):
        path = f"{folder}/{name}"
        if depth > 1 and os.path.isdir(path) and not os.path.islink(path):
            yield from _below(path, depth - 1)
        else:
            yield path


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []
