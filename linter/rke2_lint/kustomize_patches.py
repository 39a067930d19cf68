"""Patches of kustomize: files with a part of a Cluster, which is laid over a whole one elsewhere.

What is not in a patch may be in the Cluster that it is for. kustomize takes files from a kustomization's
own folder and those below it, so that it is found above the patch (kubernetes-sigs/kustomize
api/types/kustomization.go `Patches`, `PatchesStrategicMerge`; api/loader `RestrictionRootOnly`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from rke2_lint.files import File, NotAFileError, TooLargeError, read
from rke2_policies.policy import Exemption
from rke2_policies.route import Json
from rke2_policies.yaml_source import Source

RULES = ("missing-nft-pin", "unclear-version")
"""What is found where something is missing."""
_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class KustomizePatches:
    """Knows which files are patches: the kustomizations of a folder are read once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}
        """By folder, in full: the patches of its kustomization, in full, each with its name."""

    def exemptions(self, path: str) -> tuple[Exemption, ...]:
        """Return what is not missing in a file, its path in full, because it is a patch."""
        name = self._kustomization(path)
        if not name:
            return ()
        reason = f"{os.path.relpath(name)} lays it over a whole Cluster, as a patch"
        return tuple(Exemption(rule, "*", reason, None) for rule in RULES)

    def _kustomization(self, path: str) -> str:
        """Return the kustomization whose patch a file is; "" where it is none."""
        folder = os.path.dirname(path)
        while True:
            if folder not in self._known:
                self._known[folder] = dict(_patches_in(folder))
            if name := self._known[folder].get(path, ""):
                return name
            above = os.path.dirname(folder)
            if above == folder or os.path.lexists(f"{folder}/.git"):
                return ""
            folder = above


def _patches_in(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the patches that a folder's kustomization names, in full, each with its own path."""
    for name in _NAMES:
        path = os.path.join(folder, name)
        try:
            data = read(File(path))
        except (OSError, NotAFileError, TooLargeError):
            continue
        for document in Source.read(path, data).documents:
            for patch in _patches(document.tree):
                yield os.path.normpath(os.path.join(folder, patch)), path


def _patches(tree: Json) -> Iterator[str]:
    match tree:
        case {"patches": list(patches)}:
            yield from (
                str(one["path"]) for one in patches if isinstance(one, dict) and "path" in one
            )
    match tree:
        case {"patchesStrategicMerge": list(patches)}:
            # A patch may also stand here itself, as a text.
            yield from (one for one in patches if isinstance(one, str) and "\n" not in one)
