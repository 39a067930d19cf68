"""Gathering evidence of one node from files, whichever way they were collected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from rke2_lint.node.files_of_nodes import Files, UnreadableError
from rke2_lint.node.text_of import text_of
from rke2_policies.diagnosis.evidence import (
    Complaint,
    Damage,
    Evidence,
    read_cgroup,
    read_complaints,
    read_link,
    read_tool,
)
from rke2_policies.diagnosis.kube_proxy import KubeProxy, pods_in, read_environment, read_pod
from rke2_policies.diagnosis.pod_table import PodRow, PodTable, read_pod_table
from rke2_policies.diagnosis.rule_dump import Backend, Family, RuleDump, read_dumps
from rke2_policies.diagnosis.ruleset import Ruleset, read_ruleset
from rke2_policies.live_configuration import read_configuration
from rke2_policies.policy import Params
from rke2_policies.route import Json
from rke2_policies.yaml_source import Source

_T = TypeVar("_T")

_ETC = "etc/rancher/rke2/"
_MANIFESTS = "rke2/pod-manifests/"
_ENDINGS = (".txt", ".log")
_DAY = re.compile(r"[-_]\d{4}-?\d{2}-?\d{2}([-_T]\d{2}[-_:]?\d{2}([-_:]?\d{2})?)?\Z")
_NOT_A_DROP_IN = ("registries.yaml", "rke2.yaml", "config.yaml")
_NO_DUMP = "it holds no rules and does not say that there are none: {said}"

PLAIN = (
    "pod.json", "pod.yaml", "pod.yml", "kube-proxy.yaml", "kube-proxy.yml", "env", "environ",
    "readlink", "cgroup", "mounts", "iptables-legacy-save", "ip6tables-legacy-save", "iptables-nft-save",
    "ip6tables-nft-save", "nft-ruleset", "nft-ruleset.json", "journal", "iptables-version",
    "host-iptables-version", "config.yaml",
)  # fmt: skip
"""The files of a folder of dumps, each of which may be missing."""
BUNDLE = (
    "networking/iptablessave", "networking/ip6tablessave", "networking/nft_ruleset",
    "rke2/pod-manifests/kube-proxy.yaml", "rke2/config.yaml",
)  # fmt: skip
"""Files by which a bundle of Rancher's log collector is known."""


class _Gathering:
    """What has been found of one node."""

    def __init__(self, files: Files, params: Params) -> None:
        self._files = files
        self._params = params
        self._paths = {_plain(path): path for path in files.paths}
        self.damages: list[Damage] = [
            Damage(path or "the whole", said) for path, said in files.damages.items()
        ]
        self.dumps: list[RuleDump] = []
        self.complaints: list[Complaint] = []
        self.roles: set[str] = set()

    def text(self, name: str, *, nuls: bool = False) -> str | None:
        """Return the text of a file; None where there is none, or it cannot be read."""
        data = self.data(name)
        if data is None:
            return None
        text, faults = text_of(data, nuls=nuls)
        self.damages += (Damage(name, fault) for fault in faults)
        return text

    def data(self, name: str) -> bytes | None:
        """Return the bytes of a file; None where there is none, or it cannot be read."""
        path = self._paths.get(name)
        if path is None:
            return None
        try:
            return self._files.read(path)
        except UnreadableError as error:
            self.damages.append(Damage(name, str(error)))
            return None

    def dump(
        self, name: str, backend: Backend | None, family: Family, *, by_host: bool = False
    ) -> None:
        """Take in the rules that a file holds."""
        text = self.text(name)
        if text is None:
            return
        found = read_dumps(text, backend, family, source=name, by_host=by_host, with_errors=by_host)
        if not found and text.strip():
            self.damages.append(Damage(name, _NO_DUMP.format(said=_first_line(text))))
        self.dumps += found

    def ruleset(self, *names: str) -> Ruleset | None:
        """Return nft's rules out of the first of some files that is there, and can be read."""
        for name in names:
            text = self.text(name)
            if text is not None and text.strip():
                tree = _json(text)
                if tree is None and text.lstrip().startswith("{"):
                    self.damages.append(Damage(name, "it is no JSON, or only part of it"))
                    continue
                ruleset = read_ruleset(tree, text)
                if ruleset.chains or ruleset.rules:
                    return ruleset
                if not (ruleset.complete and ("table" in text or "{" in text)):
                    self.damages.append(Damage(name, _NO_DUMP.format(said=_first_line(text))))
                    return None
                return ruleset
        return None

    def pod(self, node: str, *names: str) -> tuple[KubeProxy | None, bool]:
        """Return kube-proxy's Pod, and whether there is a list of Pods that has none."""
        listed = False
        for name in names:
            text = self.text(name)
            if text is None:
                continue
            tree = _json(_without_kubectl(text))
            trees = _yaml(name, text) if tree is None else [tree]
            pods = [read_pod(one) for tree in trees for one in pods_in(tree)]
            # Of a list of the whole cluster, the node's own.
            own = [one for one in pods if one.node == node] or [one for one in pods if not one.node]
            if not own and len(pods) == 1:
                own = pods
            if own:
                return own[-1], False
            if any(isinstance(one, dict) and isinstance(one.get("items"), list) for one in trees):
                listed = True
            else:
                self.damages.append(
                    Damage(name, f"it is no Pod of kube-proxy: {_first_line(text)}")
                )
        return None, listed

    def log(self, *names: str) -> None:
        """Take in what RKE2 complained about."""
        for name in names:
            text = self.text(name)
            if text is not None:
                self.complaints += (
                    one for one in read_complaints(text) if one not in self.complaints
                )

    def configuration(self, places: Iterable[tuple[str, str]]) -> dict[str, bytes]:
        """Return the files of RKE2's configuration; each is (its name here, its path on a node)."""
        found: dict[str, bytes] = {}
        for name, path in places:
            data = self.data(name)
            if data is not None:
                found[path] = data
        return found

    @property
    def names(self) -> list[str]:
        """The files that there are."""
        return list(self._paths)


def plain(name: str, files: Files, params: Params) -> Evidence:
    """Return the evidence of a folder of dumps, such as `iptables-legacy-save` and `env`."""
    gathered = _Gathering(files, params)
    kinds: tuple[tuple[str, Backend, Family], ...] = (
        ("iptables-legacy-save", "legacy", 4), ("ip6tables-legacy-save", "legacy", 6),
        ("iptables-nft-save", "nft", 4), ("ip6tables-nft-save", "nft", 6),
    )  # fmt: skip
    for file, backend, family in kinds:
        gathered.dump(file, backend, family)
    environment = None
    for file in ("env", "environ"):
        text = gathered.text(file, nuls=True)
        if environment is None and text is not None:
            environment = read_environment(text)
            if environment is None:
                said = _first_line(text) if text.strip() else "it is empty"
                gathered.damages.append(Damage(file, f"it is no environment: {said}"))
    link = _read(gathered, "readlink", read_link, "it says no path")
    cgroup = _read(gathered, "cgroup", read_cgroup, "it tells no version of control groups")
    if cgroup is None:
        cgroup = _read(gathered, "mounts", read_cgroup, "it tells no version of control groups")
    pod, listed = gathered.pod(
        name, "pod.json", "pod.yaml", "pod.yml", "kube-proxy.yaml", "kube-proxy.yml"
    )
    gathered.log("journal")
    roles = {
        role for file in gathered.names for role in ("server", "agent") if f"rke2-{role}" in file
    }
    machine_files = gathered.configuration(
        (file, _on_a_node(file)) for file in gathered.names if _is_configuration(file)
    )
    return Evidence(
        name,
        tuple(gathered.dumps),
        gathered.ruleset("nft-ruleset.json", "nft-ruleset"),
        link,
        environment,
        pod,
        listed,
        read_configuration(machine_files, params, roles.pop() if len(roles) == 1 else ""),
        cgroup,
        _read(gathered, "iptables-version", read_tool, "it says no version"),
        _read(gathered, "host-iptables-version", read_tool, "it says no version"),
        tuple(gathered.complaints),
        damages=tuple(gathered.damages),
    )


def bundle(name: str, files: Files, params: Params) -> Evidence:
    """Return the evidence of a bundle of Rancher's log collector.

    rancherlabs/support-tools collection/rancher/v2.x/logs-collector. Its rules are those of the
    host's default backend, with what the tool complained about among them; its drop-ins are not in
    a folder of their own; what holds secrets was taken out of its files, line by line.
    """
    gathered = _Gathering(files, params)
    hostname = (gathered.text("systeminfo/hostname") or "").strip()
    if hostname and hostname.isprintable() and " " not in hostname and len(hostname) < 254:
        name = hostname
    gathered.dump("networking/iptablessave", None, 4, by_host=True)
    gathered.dump("networking/ip6tablessave", None, 6, by_host=True)
    pod, listed = gathered.pod(name, f"{_MANIFESTS}kube-proxy.yaml")
    if pod is None and any(file.startswith(_MANIFESTS) for file in gathered.names):
        # The other static Pods of a server are there, and RKE2 writes this one beside them.
        listed = f"{_MANIFESTS}kube-proxy.yaml" not in gathered.names
    table = _pod_table(gathered)
    if table is not None and (row := table.of(name.lower())) is not None:
        pod = _as_seen(pod, row)
    elif table is not None and table.lacks(name.lower()):
        listed = True
    logs = [file for file in gathered.names if file.startswith("journald/rke2-")]
    gathered.log(*logs)
    roles = {file.rpartition("-")[2] for file in logs}
    machine_files = gathered.configuration(
        (file, _out_of_bundle(file))
        for file in gathered.names
        if re.fullmatch(r"rke2/[^/]+\.ya?ml", file) and _out_of_bundle(file)
    )
    return Evidence(
        name,
        tuple(gathered.dumps),
        gathered.ruleset("networking/nft_ruleset"),
        pod=pod,
        has_no_pod=listed,
        cgroup=read_cgroup(gathered.text("systeminfo/mount") or ""),
        machine=read_configuration(machine_files, params, roles.pop() if len(roles) == 1 else ""),
        complaints=tuple(gathered.complaints),
        damages=tuple(gathered.damages),
    )


def _pod_table(gathered: _Gathering) -> PodTable | None:
    text = gathered.text("rke2/kubectl/pods")
    return read_pod_table(text) if text is not None else None


def _as_seen(manifest: KubeProxy | None, row: PodRow) -> KubeProxy | None:
    """Return what a manifest says with what became of it. A table alone tells no environment."""
    if manifest is None:
        return None
    return manifest._replace(
        name=row.name, phase=row.status, ready=row.ready, restarts=row.restarts
    )


def is_plain(paths: Iterable[str]) -> bool:
    """Return whether files are those of a folder of dumps."""
    names = {_plain(path) for path in paths}
    return any(name in names for name in PLAIN) or any(
        name.startswith("config.yaml.d/") for name in names
    )


def is_bundle(paths: Iterable[str]) -> bool:
    """Return whether files are those of a bundle of Rancher's log collector."""
    names = set(paths)
    return any(name in names for name in BUNDLE)


def without_day(name: str) -> str:
    """Return a node's name out of that of its bundle, `<hostname>-<date>`."""
    return _DAY.sub("", name) or name


def _read(
    gathered: _Gathering, name: str, reader: Callable[[str], _T | None], otherwise: str
) -> _T | None:
    text = gathered.text(name)
    if text is None:
        return None
    found = reader(text)
    if found is None:
        said = f": {_first_line(text)}" if text.strip() else ""
        gathered.damages.append(Damage(name, f"{otherwise}{said}"))
    return found


def _plain(path: str) -> str:
    """Return what a file is called: without an ending that says nothing, and in whatever letters."""
    name = path
    for ending in _ENDINGS:
        if path.lower().endswith(ending) and not path.startswith("config.yaml.d/"):
            name = path[: -len(ending)]
    return name.lower() if name.lower() in PLAIN else name


def _is_configuration(name: str) -> bool:
    last = name.rpartition("/")[2]
    return name.startswith("config.yaml") or last.startswith("rke2-")


def _on_a_node(name: str) -> str:
    """Return where a file of a folder of dumps lies on a node."""
    if name.startswith("config.yaml"):
        return _ETC + name
    if name.startswith(("default/", "sysconfig/")):
        return f"etc/{name}"
    if name.endswith(".env"):
        folder = (
            "var/lib/rancher/rke2/system-agent-installer"
            if "-sa" in name
            else "usr/local/lib/systemd/system"
        )
        return f"{folder}/{name}"
    return f"etc/default/{name}"


def _out_of_bundle(file: str) -> str:
    """Return where a file of a bundle lies on a node; "" where it is none of the configuration."""
    name = file.rpartition("/")[2]
    if name == "config.yaml":
        return _ETC + name
    return "" if name in _NOT_A_DROP_IN else f"{_ETC}config.yaml.d/{name}"


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "it is empty")
    return line if len(line) <= 120 else f"{line[:120]}…"


def _without_kubectl(text: str) -> str:
    """Take away what kubectl says before JSON begins."""
    begin = text.find("{")
    return (
        text[begin:]
        if begin > 0 and text[:begin].startswith(("Defaulted", "Warning:", "W1"))
        else text
    )


def _json(text: str) -> Json | None:
    import json

    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _yaml(name: str, text: str) -> list[Json]:
    return [
        document.tree for document in Source.read(name, text.encode(errors="replace")).documents
    ]
