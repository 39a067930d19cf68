"""RKE2's own files: `config.yaml`, `config.yaml.d`, and the service's environment files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rke2_policies import pin, recognise
from rke2_policies.edit_distance import nearest
from rke2_policies.facts import is_server_only, k3s_only_flags, rke2_flags
from rke2_policies.file import File
from rke2_policies.judge import by_the_pin, does_not_start, uses_nftables
from rke2_policies.machine import NOTHING_SPECIAL, RANCHERS_OWN, Machine, Said, Setting
from rke2_policies.node import ConfigFile, Node
from rke2_policies.policy import Params
from rke2_policies.rke2_merge import merge
from rke2_policies.route import Json, Templated

# Settings that RKE2 has and K3s does not, by which a file without a telling path is known.
_ONLY_RKE2 = frozenset(
    {
        "audit-policy-file", "cloud-controller-manager-image", "cloud-provider-config",
        "cloud-provider-name", "control-plane-probe-configuration", "control-plane-resource-limits",
        "control-plane-resource-requests", "enable-servicelb", "etcd-image", "ingress-controller",
        "kube-apiserver-image", "kube-controller-manager-image", "kube-proxy-image",
        "kube-scheduler-image", "kubelet-path", "pod-security-admission-config-file", "prime",
        "runtime-image",
    }
)  # fmt: skip
_CNIS = frozenset({"calico", "canal", "cilium", "flannel", "multus", "none"})
_WORDS = re.compile(r"[A-Za-z]+")
_AGENT = frozenset({"agent", "agents", "worker", "workers"})
_SERVER = frozenset(
    {"server", "servers", "master", "masters", "controlplane", "control", "cp", "bootstrap"}
)


class Group(NamedTuple):
    """The files around one base path."""

    name: str
    base: File | None
    drop_ins: tuple[File, ...]
    ignored: tuple[File, ...]
    environment: tuple[File, ...]

    @property
    def read(self) -> tuple[File, ...]:
        """What RKE2 would read, in order."""
        return (*((self.base,) if self.base else ()), *self.drop_ins)

    @property
    def files(self) -> tuple[File, ...]:
        """All of them."""
        return (*self.read, *self.ignored, *self.environment)


class Kind(NamedTuple):
    """What a group of files was taken for: `rke2`, `k3s` or "" where that is not clear, and why."""

    runtime: str
    why: str


def groups(files: Iterable[File]) -> list[Group]:
    """Put the files of each node together."""
    bases: dict[str, File] = {}
    drop_ins: dict[str, list[File]] = {}
    ignored: dict[str, list[File]] = {}
    environment: dict[str, list[File]] = {}
    for file in files:
        base = recognise.base_of(file.path)
        if file.kind == "rke2-environment" or (
            file.kind is None and recognise.is_environment(file.path)
        ):
            config = recognise.config_of_environment(file.path)
            environment.setdefault(config, []).append(file)
        elif base is None or (
            file.kind not in (None, "rancher-cluster") and not recognise.is_drop_in(file.path)
        ):
            bases[file.path] = file
        elif recognise.is_drop_in(file.path):
            drop_ins.setdefault(base, []).append(file)
        else:
            ignored.setdefault(base, []).append(file)
    names = dict.fromkeys([*bases, *drop_ins, *ignored, *environment])
    return [
        Group(
            name,
            bases.get(name),
            # Byte order, as Go's os.ReadDir sorts (k3s pkg/configfilearg/parser.go `dotDFiles`).
            tuple(sorted(drop_ins.get(name, ()), key=lambda file: file.path.encode())),
            tuple(ignored.get(name, ())),
            tuple(environment.get(name, ())),
        )
        for name in names
    ]


def kind_of(group: Group) -> Kind:
    """Return whose configuration a group of files is."""
    for file in group.files:
        if file.kind is not None and "config" in file.kind:
            return Kind("k3s" if file.kind == "k3s-config" else "rke2", "you said so (--as)")
    for path in (group.name, *(file.where for file in group.read)):
        by_path = recognise.config_by_path(path)
        if by_path is not None:
            return Kind(by_path, "its path says so")
    doubts = ""
    for file in group.read:
        found = _by_content(file)
        if found.runtime:
            return found
        doubts = doubts or found.why
    if not group.read and group.environment:
        return Kind("rke2", "an environment file of RKE2's services")
    return Kind("", doubts)


def _by_content(file: File) -> Kind:
    tree = file.documents[0].tree if file.documents else None
    if not isinstance(tree, dict) or not tree or "apiVersion" in tree or "kind" in tree:
        return Kind("", "")
    keys = [key.removesuffix("+") for key in tree]
    known = [key for key in keys if key in rke2_flags()]
    foreign = [key for key in keys if key in k3s_only_flags()]
    if foreign and len(known) + len(foreign) == len(keys):
        return Kind("k3s", f"only K3s knows {foreign[0]}")
    telling = [key for key in keys if _tells(key, tree)]
    slips = [
        key
        for key, value in tree.items()
        if key not in rke2_flags() and pin.names_variable(value) and nearest(key, (pin.KEY,))
    ]
    unknown = len(keys) - len(known) - len(slips)
    if (telling or slips) and unknown <= len(keys) // 4:
        sure = slips or len(keys) > 1 or telling[0] != "cni" or "rke2" in file.path.lower()
        if sure:
            return Kind("rke2", f"only RKE2 knows {(telling or slips)[0]}")
    if known and unknown <= len(keys) // 4:
        return Kind(
            "", "its keys are RKE2's as well as K3s's: say --as rke2-config if it is RKE2's"
        )
    return Kind("", "")


def _tells(key: str, tree: Mapping[str, Json]) -> bool:
    if key.endswith(("-extra-env", "-extra-mount")):
        return key in rke2_flags()
    value = tree.get(key)
    if key == "cni":
        names = value if isinstance(value, list) else str(value).split(",")
        return isinstance(value, Templated) or all(str(name).strip() in _CNIS for name in names)
    if key == "profile":
        return isinstance(value, str) and value.startswith("cis")
    return key in _ONLY_RKE2


def node(group: Group, params: Params = NOTHING_SPECIAL) -> Node:
    """Return the node of a group of RKE2's files, with its machine and verdict."""
    base = ConfigFile(_short(group.name), group.base) if group.base is not None else None
    drop_ins = tuple(
        ConfigFile(f"{_short(group.name)}.d/{_short(file.path)}", file) for file in group.drop_ins
    )
    ignored = tuple(ConfigFile(_short(file.path), file) for file in group.ignored)
    environment = tuple(
        ConfigFile(_short(file.path), file)
        for file in sorted(group.environment, key=lambda file: _environment_order(file.path))
    )
    read = [*([base] if base else []), *drop_ins]
    settings = merge((one.by, one.document) for one in read if one.document is not None)
    variables = list(_environment(environment))
    if variables:
        settings[pin.KEY] = _with_environment(settings.get(pin.KEY), variables)
    role, guess = _role(group, settings)
    managed = any(_short(file.path) == RANCHERS_OWN for file in group.drop_ins)
    named = settings.get(pin.KEY)
    decided = named is not None and any(_is_plain(said) for said in named.said)
    home = None
    if base is not None and base.document is not None and base.file.starts and not managed:
        home = base.document.at()
    first = read[0] if read else environment[0] if environment else ignored[0]
    machine = Machine(
        group.name,
        (role,) if role else (),
        first.document.at() if first.document is not None else first.place,
        settings,
        home=home,
        origin="file",
        sure=(base is not None or decided) and not guess,
        managed=managed,
        open=any(one.document is not None and () in one.document.generated for one in read),
        params=params,
    )
    _judge(machine, base, read, role)
    return Node(group.name, base, drop_ins, ignored, environment, role, guess, machine)


def _is_plain(said: Said) -> bool:
    step = said.place.route[0] if said.place.route else ""
    return not str(
        step if isinstance(step, str) else step[0] if isinstance(step, tuple) else step
    ).endswith("+")


def _short(path: str) -> str:
    return path.rpartition("/")[2]


def _environment_order(path: str) -> int:
    """Return when systemd reads a file: the order of the unit's EnvironmentFile lines."""
    for order, folder in enumerate(("default/", "sysconfig/")):
        if folder in path:
            return order
    return 3 if path.endswith("rke2-sa.env") else 2


def _environment(files: Sequence[ConfigFile]) -> Iterator[Said]:
    for one in files:
        document = one.document
        value = document[(pin.ENVIRONMENT_KEY,)] if document is not None else None
        if document is not None and isinstance(value, str):
            place = document.at(pin.ENVIRONMENT_KEY)
            entries = (pin.Entry(value.strip(), place, value, whole=False),)
            yield Said(value, place, one.by, entries, by_configuration=False)


def _with_environment(setting: Setting | None, variables: Sequence[Said]) -> Setting:
    """Return the key's setting where the service's environment sets the flag, too.

    A later file replaces an earlier one's variable. What the configuration says replaces the
    environment on every release with urfave/cli v2 (since v1.31.8, v1.32.4 and v1.33.0); an empty
    list says nothing.
    """
    last = variables[-1]
    if setting is None or not setting.entries:
        said = setting.said if setting is not None else ()
        return Setting(pin.KEY, last.value, (*said, last))
    return setting._replace(said=(last, *setting.said))


def _role(group: Group, settings: Mapping[str, Setting]) -> tuple[str, bool]:
    """Return a node's role, and whether it is only a guess."""
    for file in group.files:
        match file.kind:
            case "rke2-server-config":
                return "server", False
            case "rke2-agent-config":
                return "agent", False
    for file in group.environment:
        words = _words(_short(file.path))
        if words & _AGENT:
            return "agent", False
        if words & _SERVER:
            return "server", False
    words = _words(group.name)
    agent, server = bool(words & _AGENT), bool(words & _SERVER)
    if agent != server:
        return ("agent" if agent else "server"), False
    only_servers = [name for name in settings if is_server_only(name)]
    if only_servers == ["disable-kube-proxy"] and "server" in settings:
        # It joins somebody and says nothing else that only servers say.
        return "agent", True
    return ("server", False) if only_servers else ("", False)


def _words(path: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(path))


def _judge(
    machine: Machine, base: ConfigFile | None, read: Sequence[ConfigFile], role: str
) -> Machine:
    for one in read:
        if not one.file.starts:
            return machine.decide("unknown", f"{one.by} does not parse, and RKE2 does not start")
        if one.document is not None and not isinstance(one.document.tree, dict | None):
            return machine.decide("unknown", f"{one.by} holds no mapping, and RKE2 does not start")
    if does_not_start(machine):
        return machine
    disabled = machine["disable-kube-proxy"]
    if role != "agent" and disabled.entries and _go_true(disabled.entries[-1].text):
        return machine.decide(
            "not-applicable", "disable-kube-proxy is true", by=disabled.entries[-1].place
        )
    if uses_nftables(machine):
        return machine
    by_the_pin(
        machine,
        open=machine.open,
        unclear="",
    )
    if machine.verdict == "unpinned" and base is None and not machine.sure:
        machine.reason += f", and {_short(machine.name)} itself is not in the input"
    return machine


def _go_true(text: str) -> bool:
    """Read a boolean flag as Go's strconv.ParseBool does."""
    return text in ("1", "t", "T", "TRUE", "true", "True")
