"""Patches: files with a part of a Cluster, which is laid over a whole one elsewhere.

What is not in a patch may be in the Cluster that it is for; what it says counts, for lists replace
lists there. kustomize takes files from a kustomization's own folder and those below it, so that it is
found above the patch (kubernetes-sigs/kustomize api/types/kustomization.go `Patches`,
`PatchesStrategicMerge`; api/loader `RestrictionRootOnly`). Fleet lays
`overlays/<name>/<file>_patch.yaml` over `<file>.yaml`, both seen from the folder of fleet.yaml
(rancher/fleet internal/helmdeployer/render/patch/patch.go `isPatchFile`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from rke2_lint.files import File, read_or_nothing
from rke2_policies import pin
from rke2_policies.document import Document
from rke2_policies.engine import Report
from rke2_policies.exempting import Exempted
from rke2_policies.finding import Finding
from rke2_policies.machine import Machine
from rke2_policies.policy import Exemption
from rke2_policies.route import MISSING, Json, find
from rke2_policies.yaml_source import Source

_CILIUM = "cilium-beside-kube-proxy"
ABOUT_MISSING = ("missing-nft-pin", "unclear-version", "required-settings", _CILIUM)
"""The rules that find something missing."""
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_FLEET = ("fleet.yaml", "fleet.yml")
_OVERLAYS = "/overlays/"
_PATCH = "_patch."


class ClusterPatches:
    """Knows which files are patches: the kustomizations of a folder are read once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}
        """By folder, in full: the patches of its kustomization, in full, each with its name."""

    def why_partial(self, path: str) -> str:
        """Return why a file, its path in full, holds parts of Clusters; "" where it does not."""
        if name := self._kustomization(path):
            return f"{os.path.relpath(name)} lays it over a whole Cluster, as a patch"
        if target := _target_of_overlay(path):
            return f"Fleet lays it over {os.path.relpath(target)}, as a patch"
        return ""

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


def of_part(report: Report, path: str, documents: Sequence[Document], why: str) -> Report:
    """Return the report on a file that holds parts of Clusters: what they lack is not missing."""
    counting: list[Finding] = []
    accepted = list(report.exempted)
    for one in report.findings:
        if one.problem.place.document.path == path and _is_about_missing(one, documents):
            accepted.append(Exempted(one, Exemption(one.rule, "*", why, None)))
        else:
            counting.append(one)
    for machine in report.machines:
        if _says_nothing(machine):
            machine.decide("unknown", f"nothing sets {pin.KEY} here, but {why}")
    return report._replace(findings=tuple(counting), exempted=tuple(accepted))


def _is_about_missing(finding: Finding, documents: Sequence[Document]) -> bool:
    if finding.rule not in ABOUT_MISSING:
        return False
    if finding.rule == _CILIUM:
        return not finding.problem.related  # nobody says that kube-proxy runs
    place = finding.problem.place
    return find(documents[place.document.number].tree, place.route) is MISSING


def _says_nothing(machine: Machine) -> bool:
    """Tell whether a machine is judged by what is missing alone."""
    if machine.environment.said:
        return False
    return machine.verdict == "unpinned" or "kubernetesVersion" in machine.reason


def _target_of_overlay(path: str) -> str:
    """Return the file that Fleet lays a file over, both in full; "" where it does not."""
    folder, _, name = path.rpartition("/")
    bundle, inside, below = folder.rpartition(_OVERLAYS)
    if not inside or _PATCH not in name:
        return ""
    if not any(os.path.isfile(f"{bundle}/{one}") for one in _FLEET):
        return ""
    return os.path.join(bundle, *below.split("/")[1:], name.replace(_PATCH, ".", 1))


def _patches_in(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the patches that a folder's kustomization names, in full, each with its own path."""
    for name in _KUSTOMIZATIONS:
        path = os.path.join(folder, name)
        data = read_or_nothing(File(path))
        for document in Source.read(path, data).documents if data else ():
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
