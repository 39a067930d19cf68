"""Finding nodes in what people name: a folder of dumps, many of them, bundles, tarballs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rke2_lint.files import absolute
from rke2_lint.node.files_of_nodes import Files, Folder, Part, UnreadableError, ending_of_tarball
from rke2_lint.node.gathering import bundle, is_bundle, is_plain, plain, without_day
from rke2_lint.node.tarball import Tarball
from rke2_policies.diagnosis.evidence import Evidence
from rke2_policies.policy import Params

NOTHING = (
    "there is no evidence of a node: neither dumps (iptables-legacy-save, env, …) nor a bundle of "
    "Rancher's log collector"
)


class Found(NamedTuple):
    """One node that was found."""

    together: str
    """Nodes with the same are taken for nodes of one cluster: the folder that they lie in."""
    where: str
    """What people would call it: a path."""
    gather: Callable[[Params], Evidence]


def find(path: str) -> list[Found]:
    """Return the nodes of a path. Raises UnreadableError where there is none."""
    if os.path.isdir(path):
        folder = Folder(path)
        found = list(_in_folder(path, folder))
        if not found and "" in folder.damages:
            raise UnreadableError(folder.damages[""])
    else:
        found = list(_in_tarball(path, os.path.dirname(absolute(path))))
    if not found:
        raise UnreadableError(NOTHING)
    return found


def _in_folder(path: str, folder: Folder) -> Iterator[Found]:
    where = absolute(path)
    yield from _in(folder, where, os.path.dirname(where), where)
    for each in folder.paths:
        if ending_of_tarball(each):
            inside = folder.where(each)
            try:
                yield from _in_tarball(inside, os.path.dirname(absolute(inside)))
            except UnreadableError as error:
                # One of many: the others are worth something, and this one is told.
                yield _unreadable(inside, os.path.dirname(absolute(inside)), str(error))


def _unreadable(path: str, together: str, reason: str) -> Found:
    from rke2_policies.diagnosis.evidence import Damage

    name = without_day(_stem(path))
    return Found(
        together, path, lambda _: Evidence(name, damages=(Damage(os.path.basename(path), reason),))
    )


def _in_tarball(path: str, together: str) -> Iterator[Found]:
    yield from _in(Tarball(path), _stem(path), together, path)


def _in(files: Files, top: str, together: str, where: str) -> Iterator[Found]:
    """Yield the nodes among files, the outermost. `top`: what the folder of all of them is called."""
    below: dict[str, list[str]] = {"": []}
    for path in files.paths:
        folder = ""
        below[folder].append(path)
        for step in path.split("/")[:-1]:
            folder = f"{folder}/{step}" if folder else step
            below.setdefault(folder, []).append(path)
    tops = {path.partition("/")[0] for path in files.paths}
    taken: set[str] = set()
    for folder in sorted(below, key=lambda one: (one.count("/") + bool(one), one)):
        above = folder.rpartition("/")[0]
        if folder and (above in taken or "" in taken):
            taken.add(folder)
            continue
        part = Part(files, folder, below[folder])
        kind = bundle if is_bundle(part.paths) else plain if is_plain(part.paths) else None
        if kind is None:
            continue
        taken.add(folder)
        name = folder.rpartition("/")[2] or top.rpartition("/")[2]
        if kind is bundle:
            name = without_day(name)
        # A tarball with one folder in it is one node, and its mates lie beside it.
        is_alone = not folder or (folder in tops and len(tops) == 1 and not os.path.isdir(where))
        mates = together if is_alone else f"{where}/{above}".rstrip("/")
        yield Found(mates, f"{where}/{folder}" if folder else where, _gatherer(kind, name, part))


def _gatherer(
    kind: Callable[[str, Files, Params], Evidence], name: str, files: Files
) -> Callable[[Params], Evidence]:
    return lambda params: kind(name, files, params)


def _stem(path: str) -> str:
    name = os.path.basename(path)
    ending = ending_of_tarball(name) or (".gz" if name.lower().endswith(".gz") else "")
    return name[: len(name) - len(ending)]
