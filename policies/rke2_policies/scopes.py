"""Scopes: which policy holds where, with the overrides for files and clusters laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rke2_policies.file import File
from rke2_policies.policy import Policy
from rke2_policies.route import Json


class Scopes:
    """One policy, and what it is for each file and cluster. Without overrides it is the same for all."""

    __slots__ = ("_known", "_of_paths", "_policy", "_where")

    def __init__(self, files: Iterable[File], policy: Policy) -> None:
        self._policy = policy
        self._where = {file.path: file.where or file.path for file in files}
        self._of_paths: dict[str, Policy] = {}
        self._known: dict[tuple[str, str, frozenset[tuple[str, str]]], Policy] = {}

    def of_file(self, path: str) -> Policy:
        """Return the policy for what is no cluster."""
        return self._of_path(path).for_node() if self._policy.overrides else self._policy

    def of_cluster(self, path: str, name: str, labels: Mapping[str, str]) -> Policy:
        """Return the policy for a cluster, `namespace/name`, and all that is said of it in a file."""
        if not self._policy.overrides:
            return self._policy
        key = (path, name, frozenset(labels.items()))
        if key not in self._known:
            self._known[key] = self._of_path(path).for_cluster(name, labels)
        return self._known[key]

    def _of_path(self, path: str) -> Policy:
        if path not in self._of_paths:
            self._of_paths[path] = self._policy.for_path(self._where.get(path, path))
        return self._of_paths[path]


def labels_of(tree: Json) -> dict[str, str]:
    """Return the labels of an object; what is no string is no label."""
    match tree:
        case {"metadata": {"labels": dict(labels)}}:
            return {key: value for key, value in labels.items() if isinstance(value, str)}
        case _:
            return {}
