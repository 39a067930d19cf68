"""Files that Rancher writes onto machines (`machineSelectorFiles`), where they are RKE2's own.

A file below `config.yaml.d` that sorts after `50-rancher.yaml` wins over the Cluster's
configuration, one before it, and `config.yaml` itself, lose to it (rancher/rancher
pkg/capr/planner/config.go `renderFiles`; k3s-io/k3s pkg/configfilearg/parser.go).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

from rke2_policies import pin
from rke2_policies.cluster import Cluster, Written
from rke2_policies.document import Document, Place
from rke2_policies.label_selector import Invalid, Selector, parse
from rke2_policies.machine import RANCHERS_OWN
from rke2_policies.manifest import Manifest
from rke2_policies.rke2_merge import merge
from rke2_policies.route import Json, Templated
from rke2_policies.yaml_source import Source


def written_files(cluster: Cluster, objects: Sequence[Manifest]) -> tuple[Written, ...]:
    """Return the files of a cluster that RKE2 reads as configuration, in the order of reading."""
    found = list(_written(cluster, objects))
    return tuple(sorted(found, key=lambda file: (file.wins, file.path.encode())))


def _written(cluster: Cluster, objects: Sequence[Manifest]) -> Iterator[Written]:
    entries = cluster.document[(*cluster.config_route, "machineSelectorFiles")]
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        sources = entry.get("fileSources") if isinstance(entry, dict) else None
        for j, source in enumerate(sources if isinstance(sources, list) else []):
            for kind, field in (("Secret", "secret"), ("ConfigMap", "configMap")):
                match source:
                    case {**fields} if isinstance(holder := fields.get(field), dict):
                        pass
                    case _:
                        continue
                items = holder.get("items")
                for k, item in enumerate(items if isinstance(items, list) else []):
                    match item:
                        case {"path": str(path), "key": str(key)} if _reads(path):
                            pass
                        case _:
                            continue
                    at = cluster.at(
                        (*cluster.config_route, "machineSelectorFiles", i, "fileSources", j, field,
                         "items", k, "path")
                    )  # fmt: skip
                    content = _content(cluster, objects, kind, holder.get("name"), key)
                    yield _file(
                        path, at, parse(entry.get("machineLabelSelector")), content,
                        dynamic=item.get("dynamic") is True,
                    )  # fmt: skip


def _reads(path: str) -> bool:
    """Return whether RKE2 reads a file of this path as its configuration."""
    if isinstance(path, Templated):
        return "config.yaml" in path
    slashed = path.replace("\\", "/").lower()
    folder, _, name = slashed.rpartition("/")
    if folder.endswith("/rancher/rke2/config.yaml.d"):
        return name.endswith((".yaml", ".yml"))
    return slashed.endswith("/rancher/rke2/config.yaml")


def _file(
    path: str, place: Place, selector: Selector | Invalid, content: Document | str, *, dynamic: bool
) -> Written:
    name = path.replace("\\", "/").rpartition("/")[2]
    in_folder = "config.yaml.d" in path
    wins = isinstance(path, Templated) or (in_folder and name.encode() > RANCHERS_OWN.encode())
    if name == RANCHERS_OWN and in_folder:
        wins = True
    said = None
    appends = False
    if isinstance(content, Document):
        setting = merge([(path, content)]).get(pin.KEY)
        if setting is not None:
            said = setting.said[-1]
            first = setting.said[0].place.route[0]
            appends = isinstance(first, str) and first.endswith("+")
            # Places inside the text of a Secret are shown as the place that holds the text.
            holder = Place(content.id, content.host)
            entries = tuple(entry._replace(place=holder, whole=False) for entry in said.entries)
            said = said._replace(place=holder, entries=entries, by_configuration=False)
    unknown = content if isinstance(content, str) else ""
    return Written(path, path, place, selector, wins, said, appends, unknown, dynamic)


def _content(
    cluster: Cluster, objects: Sequence[Manifest], kind: str, name: Json, key: str
) -> Document | str:
    namespace = cluster.name.partition("/")[0]
    for one in objects:
        if (one.kind, one.group, one.name, one.namespace) != (kind, "", name, namespace):
            continue
        text = _text(one, key)
        if text is None:
            return f"{kind} {namespace}/{name} has no {key}"
        route, value = text
        if isinstance(value, Templated):
            return f"{key} of {kind} {namespace}/{name} is templated"
        source = Source.read(one.document.id.path, value.encode())
        if source.problems or source.masked:
            return f"{key} of {kind} {namespace}/{name} cannot be read"
        tree = source.documents[0].tree if source.documents else None
        return Document(one.document.id, tree, host=(*one.route, *route))
    return f"{kind} {namespace}/{name} is not in the input"


def _text(one: Manifest, key: str) -> tuple[tuple[str, ...], str] | None:
    """Return the text that an object holds under a key, and where."""
    for field in ("stringData", "data"):
        held = one.tree.get(field)
        value = held.get(key) if isinstance(held, dict) else None
        if not isinstance(value, str):
            continue
        if field == "data" and one.kind == "Secret" and not isinstance(value, Templated):
            try:
                return (field, key), base64.b64decode(value, validate=False).decode()
            except (binascii.Error, UnicodeDecodeError):
                return (field, key), Templated("")
        return (field, key), value
    return None
