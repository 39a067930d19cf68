"""Manifests: the Kubernetes objects in a document, wherever they stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rke2_policies.document import Document, Place
from rke2_policies.route import Json, Route


class Manifest(NamedTuple):
    """One Kubernetes object. Rancher's own API names `type` instead of apiVersion and kind."""

    document: Document
    route: Route
    group: str
    kind: str
    tree: dict[str, Json]

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.document.id, self.route)

    @property
    def name(self) -> str:
        """Its `metadata.name`, or "" where it has none."""
        return self._meta("name")

    @property
    def namespace(self) -> str:
        """Its namespace; `default` is where kubectl puts an object that names none."""
        return self._meta("namespace") or "default"

    def _meta(self, field: str) -> str:
        match self.tree.get("metadata"):
            case {**meta} if isinstance(meta.get(field), str):
                return str(meta[field])
            case _:
                return ""


# Rancher's API (steve) writes `type: GROUP.KIND` in lower case (rancher/steve pkg/attributes).
_TYPES = {
    "provisioning.cattle.io.cluster": ("provisioning.cattle.io", "Cluster"),
    "rke.cattle.io.rkecontrolplane": ("rke.cattle.io", "RKEControlPlane"),
    "management.cattle.io.cluster": ("management.cattle.io", "Cluster"),
    "secret": ("", "Secret"),
    "configmap": ("", "ConfigMap"),
}
_MAX_DEPTH = 4


def manifests(document: Document) -> Iterator[Manifest]:
    """Yield the objects of a document: itself, the items of Lists, the data of collections."""
    yield from _objects(document, document.tree, (), 0)


def _objects(document: Document, tree: Json, route: Route, depth: int) -> Iterator[Manifest]:
    match tree:
        case {"kind": str(kind), "items": list(items)} if kind.endswith("List"):
            inside: Route = (*route, "items")
        case {"type": "collection", "data": list(items)}:
            inside = (*route, "data")
        case {"apiVersion": str(version), "kind": str(kind)}:
            group, slash, _ = version.partition("/")
            yield Manifest(document, route, group if slash else "", kind, tree)
            return
        case {"type": str(type)} if type.lower() in _TYPES:
            group, kind = _TYPES[type.lower()]
            yield Manifest(document, route, group, kind, tree)
            return
        case _:
            return
    if depth < _MAX_DEPTH:
        for i, item in enumerate(items):
            yield from _objects(document, item, (*inside, i), depth + 1)
