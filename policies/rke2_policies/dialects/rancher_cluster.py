"""Rancher's `Cluster` and `RKEControlPlane`: what each pool's machines will run with.

The order is the planner's (rancher/rancher pkg/capr/planner/config.go `addUserConfig`):
`machineGlobalConfig` first, then every entry of `machineSelectorConfig` whose selector matches the
Machine's labels, in order, each replacing whole keys; then the filter (filter.go `filterField`),
which drops what Rancher's table does not know, and numbers and maps; then what is empty is pruned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rke2_policies import pin
from rke2_policies.cluster import Cluster, Layer, Pool, Written
from rke2_policies.document import Document, Place
from rke2_policies.facts import rancher_knows, rancher_settings, splits_commas, too_old
from rke2_policies.judge import by_the_pin, does_not_start, uses_nftables
from rke2_policies.label_selector import Invalid, Selector, parse
from rke2_policies.machine import NOTHING_SPECIAL, Machine, Said, Setting
from rke2_policies.machine_files import written_files
from rke2_policies.manifest import Manifest
from rke2_policies.policy import Params
from rke2_policies.route import MISSING, Json, Missing, Route, Templated
from rke2_policies.version import Version
from rke2_policies.version import parse as parse_version

KINDS = (("provisioning.cattle.io", "Cluster"), ("rke.cattle.io", "RKEControlPlane"))
"""The objects that Rancher plans machines from, each by its API group and kind."""
ROLES = {"controlPlaneRole": "control-plane", "etcdRole": "etcd", "workerRole": "worker"}
# Every combination of roles that the registration command of a custom cluster offers.
COMBINATIONS = (
    ("control-plane",),
    ("etcd",),
    ("worker",),
    ("control-plane", "etcd"),
    ("control-plane", "worker"),
    ("etcd", "worker"),
    ("control-plane", "etcd", "worker"),
)
EVERYTHING = Selector(())
# Rancher drops numbers and maps (rancher/rancher pkg/capr/planner/filter.go `filterField`).
_PASSED_ON = (str, bool, list)


def reason_not_applicable(manifest: Manifest) -> str | None:
    """Return why the pin means nothing for a kind of object; None where it may mean something."""
    group, kind = manifest.group, manifest.kind
    if (group, kind) == ("rke.cattle.io", "RKEControlPlane"):
        return _not_rke2(manifest.document[(*manifest.route, "spec", "kubernetesVersion")])
    if kind != "Cluster":
        return None
    if group == "management.cattle.io":
        return "management.cattle.io Clusters hold no RKE2 configuration: Rancher plans nothing from them"
    if group == "cluster.x-k8s.io":
        return (
            "a Cluster API Cluster: its machines are configured by its control plane and templates"
        )
    if group != "provisioning.cattle.io":
        return f"a Cluster of {group or 'another API'}, not of Rancher's provisioning.cattle.io"
    spec = manifest.document[(*manifest.route, "spec")]
    config = spec.get("rkeConfig") if isinstance(spec, dict) else None
    if config is None and not _may_be_generated(manifest):
        return (
            "no rkeConfig: an imported or hosted cluster, for which Rancher plans nothing; "
            "pin it in the nodes' own config.yaml"
        )
    version = spec.get("kubernetesVersion") if isinstance(spec, dict) else None
    if version in (None, "") and _says(config, "/rancher/k3s/") and not _says(config, "rke2"):
        return "K3s, as the paths in its settings say; kubernetesVersion does not"
    return _not_rke2(version)


def _says(tree: Json, word: str) -> bool:
    """Return whether a text in a tree holds a word."""
    match tree:
        case str():
            return word in tree
        case dict():
            return any(_says(value, word) for value in tree.values())
        case list():
            return any(_says(item, word) for item in tree)
        case _:
            return False


def _may_be_generated(manifest: Manifest) -> bool:
    document, spec = manifest.document, (*manifest.route, "spec")
    if isinstance(document[spec], Templated):
        return True
    return manifest.route in document.generated or spec in document.generated


def _not_rke2(version: Json) -> str | None:
    # rancher/rancher pkg/capr/common.go GetRuntime: "k3s" in the version, everything else is RKE2.
    if isinstance(version, str) and not isinstance(version, Templated) and "k3s" in version:
        return "K3s runs kube-proxy in its own process and knows no kube-proxy-extra-env"
    return None


def cluster(
    manifest: Manifest, objects: Sequence[Manifest], params: Params = NOTHING_SPECIAL
) -> Cluster:
    """Return the cluster of an applicable object; `objects` may hold the Secrets it refers to."""
    document, route = manifest.document, manifest.route
    spec_route: Route = (*route, "spec")
    own = manifest.kind == "RKEControlPlane"
    config_route: Route = spec_route if own else (*spec_route, "rkeConfig")
    text = document[(*spec_route, "kubernetesVersion")]
    version = _version(text)
    name = name_of(manifest)
    layers = tuple(_layers(document, config_route))
    pools = tuple(_pools(document, config_route, _cluster_name(manifest)))
    custom = not pools
    if custom:
        pools = tuple(_combinations(_cluster_name(manifest)))
    bare = Cluster(
        document, name, manifest.kind, route, spec_route, config_route, text, version, layers,
        pools, custom, (), (), params,
    )  # fmt: skip
    planned = bare._replace(files=written_files(bare, objects))
    return planned._replace(machines=tuple(_machines(planned)))


def name_of(manifest: Manifest) -> str:
    """Return the `namespace/name` of the cluster that an object describes."""
    return f"{manifest.namespace}/{_cluster_name(manifest)}"


def _cluster_name(manifest: Manifest) -> str:
    if manifest.kind == "RKEControlPlane":
        named = manifest.document[(*manifest.route, "spec", "clusterName")]
        if isinstance(named, str) and named:
            return named
    return manifest.name or "unnamed"


def _version(text: Json) -> Version | None:
    """Return a version that says what it is the version of; None where nobody can tell."""
    if not isinstance(text, str) or isinstance(text, Templated):
        return None
    version = parse_version(text)
    return version if version is not None and version.runtime == "rke2" else None


def _layers(document: Document, config_route: Route) -> Iterator[Layer]:
    home: Route = (*config_route, "machineGlobalConfig")
    yield _layer(document, "machineGlobalConfig", home, EVERYTHING, home)
    entries = document[(*config_route, "machineSelectorConfig")]
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue
        at: Route = (*config_route, "machineSelectorConfig", i)
        selector = parse(entry.get("machineLabelSelector"))
        yield _layer(document, f"machineSelectorConfig[{i}]", (*at, "config"), selector, at)


def _layer(
    document: Document, by: str, home: Route, selector: Selector | Invalid, entry: Route
) -> Layer:
    config, place = document[home], Place(document.id, home)
    if not isinstance(config, dict):
        return Layer(by, {}, place, selector, Place(document.id, entry), {})
    said = {key: _said(value, place / key, by) for key, value in config.items()}
    return Layer(by, config, place, selector, Place(document.id, entry), said)


def _said(value: Json, place: Place, by: str) -> Said:
    # What is null, empty, a number or a map never reaches RKE2.
    arrives = value not in (None, "", []) and isinstance(value, _PASSED_ON)
    return Said(value, place, by, pin.entries(value, place) if arrives else ())


def _pools(document: Document, config_route: Route, cluster: str) -> Iterator[Pool]:
    pools = document[(*config_route, "machinePools")]
    for i, pool in enumerate(pools if isinstance(pools, list) else []):
        if not isinstance(pool, dict):
            continue
        named = pool.get("name")
        name = named if isinstance(named, str) and named else f"pool {i + 1}"
        roles = tuple(role for key, role in ROLES.items() if pool.get(key) is True)
        system = pool.get("machineOS")
        system = system if isinstance(system, str) and system else "linux"
        # rancher/rancher pkg/controllers/provisioningv2/provisioningcluster/template.go L477-530
        labels = {
            "cluster.x-k8s.io/cluster-name": cluster,
            "rke.cattle.io/cluster-name": cluster,
            "cluster.x-k8s.io/deployment-name": f"{cluster}-{name}",
            "rke.cattle.io/rke-machine-pool-name": name,
            "cattle.io/os": system,
            **_role_labels(roles),
        }
        own = pool.get("labels")
        if isinstance(own, dict):
            labels.update({k: v for k, v in own.items() if isinstance(v, str)})
        deployment = pool.get("machineDeploymentLabels")
        yield Pool(
            name,
            roles,
            labels,
            windows=system == "windows",
            deployment_labels=deployment if isinstance(deployment, dict) else {},
        )


def _role_labels(roles: Iterable[str]) -> dict[str, str]:
    labels = {f"rke.cattle.io/{role}-role": "true" for role in roles}
    if "control-plane" in roles:
        labels["cluster.x-k8s.io/control-plane"] = ""
    return labels


def _combinations(cluster: str) -> Iterator[Pool]:
    # rancher/rancher pkg/controllers/capr/unmanaged/controller.go L637-668
    for roles in COMBINATIONS:
        yield Pool(
            "+".join(roles),
            roles,
            {
                "cluster.x-k8s.io/cluster-name": cluster,
                "rke.cattle.io/cluster-name": cluster,
                **_role_labels(roles),
            },
        )


class _Kind(NamedTuple):
    """What Rancher tells machines apart by: whatever is of one kind is planned alike."""

    roles: tuple[str, ...]
    windows: bool
    layers: tuple[bool | None, ...]
    """For each of the cluster's layers, whether its selector matches; None: a template decides."""
    files: tuple[bool | None, ...]

    @property
    def server(self) -> bool:
        """Whether it runs `rke2 server`. Without any role, what only servers get is kept."""
        return not self.roles or "control-plane" in self.roles or "etcd" in self.roles


def _kinds(cluster: Cluster) -> Iterator[_Kind]:
    """Yield the kind of each pool's machines."""
    selectors = [layer.selector for layer in cluster.layers]
    selectors += [file.selector for file in cluster.files]
    asked = {
        requirement.key: None
        for selector in selectors
        if isinstance(selector, Selector)
        for requirement in selector.requirements
    }
    layers = len(cluster.layers)
    known: dict[tuple[object, ...], tuple[bool | None, ...]] = {}
    for pool in cluster.pools:
        # Many pools have the same values of the few labels that selectors ask for. A template's
        # value is not the text that looks like it, so that types count, too.
        values = tuple(map(pool.labels.get, asked))
        alike = (*values, *map(type, values))
        if alike not in known:
            known[alike] = tuple(matches(selector, pool.labels) for selector in selectors)
        found = known[alike]
        yield _Kind(pool.roles, pool.windows, found[:layers], found[layers:])


def _machines(cluster: Cluster) -> Iterator[Machine]:
    kinds = list(_kinds(cluster))
    refused, unfinished = _refused(cluster), _open(cluster)
    disabled = _kube_proxy_disabled(cluster, dict.fromkeys(kinds))
    pins = list(_pins(cluster))
    computed: dict[_Kind, Machine] = {}
    for kind in dict.fromkeys(kinds):
        machine = Machine(
            cluster.name,
            kind.roles,
            cluster.at(cluster.route),
            dict(settings_of(cluster, kind.layers, server=kind.server)),
            home=cluster.layers[0].place,
            origin="rancher",
            sure=cluster.version is not None,
            open=unfinished,
            elsewhere=tuple(told for number, told in pins if kind.layers[number] is False),
            params=cluster.params,
            version=cluster.version,
        )
        computed[kind] = _judge(cluster, kind, machine, refused, disabled)
    for kind, pool in zip(kinds, cluster.pools, strict=True):
        yield computed[kind].called(f"{cluster.name}/{pool.name}", pool.labels)


def _pins(cluster: Cluster) -> Iterator[tuple[int, tuple[Place, str]]]:
    """Yield the number of each layer that says the pin, its place, and what to say of it."""
    for number, layer in enumerate(cluster.layers):
        if pin.KEY in layer.config and isinstance(layer.selector, Selector):
            place = layer.place / pin.KEY
            if cluster.pin.read(pin.entries(layer.config[pin.KEY], place)).verdict == "pinned":
                yield number, (place.key, f"{layer.by} says it for other machines")


def matches(selector: Selector | Invalid, labels: Mapping[str, str]) -> bool | None:
    """Return whether a selector matches; None where a template decides, False for an invalid one."""
    return isinstance(selector, Selector) and selector.matches(labels)


def settings_of(
    cluster: Cluster, matching: Sequence[bool | None], *, server: bool
) -> Iterator[tuple[str, Setting]]:
    """Yield the settings, by name, of machines that the cluster's layers match or not."""
    history: dict[str, list[Said]] = {}
    environment = environment_variable(cluster)
    if environment is not None:
        history[pin.KEY] = [environment]
    for layer, applies in zip(cluster.layers, matching, strict=True):
        if applies:
            for key, said in layer.said.items():
                history.setdefault(key, []).append(said)
    for key, said_by in history.items():
        value, dropped = _in_force(key, said_by[-1].value, cluster.version, server=server)
        yield key, Setting(key, value, tuple(said_by), dropped)
    if environment is not None:
        said_by = history[pin.KEY]
        if len(said_by) > 1:
            yield pin.KEY, _with_environment(cluster, said_by, environment, server=server)


def _with_environment(
    cluster: Cluster, said_by: Sequence[Said], environment: Said, *, server: bool
) -> Setting:
    """Return the key's setting where the environment of the service sets the flag, too.

    RKE2's command line reader adds both up to v1.31.7 and v1.32.3; since then a flag that the
    configuration sets replaces the environment's (rancher/rke2 0ee96d5b0, urfave/cli v1 and v2).
    """
    last = said_by[-1]
    value, dropped = _in_force(pin.KEY, last.value, cluster.version, server=server)
    if value is MISSING:
        # Nothing reaches the configuration: the environment's value stands.
        return Setting(pin.KEY, environment.value, (*said_by[1:], environment), dropped)
    if splits_commas(cluster.version):
        both = last._replace(entries=(*environment.entries, *last.entries))
        return Setting(pin.KEY, value, (*said_by[:-1], both))
    return Setting(pin.KEY, value, tuple(said_by))


def environment_variable(cluster: Cluster) -> Said | None:
    """Return what `spec.agentEnvVars` says of kube-proxy's environment, if it does.

    Rancher writes `RKE2_*` variables into `rke2-sa.env`, which the service reads
    (rancher/system-agent-installer-rke2 package/run.sh).
    """
    variables = cluster.document[(*cluster.spec_route, "agentEnvVars")]
    found = None
    for i, variable in enumerate(variables if isinstance(variables, list) else []):
        match variable:
            case {"name": pin.ENVIRONMENT_KEY, "value": str(value)}:
                place = cluster.at((*cluster.spec_route, "agentEnvVars", i, "value"))
                texts = value.split(",") if splits_commas(cluster.version) else [value]
                entries = tuple(
                    pin.Entry(_same_kind(t.strip(), value), place, value, whole=len(texts) == 1)
                    for t in texts
                )
                found = Said(value, place, "spec.agentEnvVars", entries, by_configuration=False)
            case _:
                continue
    return found


def _same_kind(text: str, like: str) -> str:
    return Templated(text) if isinstance(like, Templated) else text


def _in_force(
    key: str, value: Json, version: Version | None, *, server: bool
) -> tuple[Json | Missing, str]:
    """Return a value after Rancher's filter and pruning, or why it is dropped (filter.go)."""
    if value is None:
        return MISSING, "it is null"
    if not rancher_knows(key, version, server=server):
        return MISSING, "Rancher does not pass this key on"
    if isinstance(value, dict):
        return MISSING, "Rancher drops maps"
    if not isinstance(value, _PASSED_ON):
        return MISSING, "Rancher drops numbers"
    if value in ("", []):
        return MISSING, "it is empty"
    if rancher_settings()[key]["type"] == "boolean" and not isinstance(value, Templated | list):
        return is_true(value), ""
    return value, ""


def is_true(value: Json) -> bool:
    """Read a boolean as Rancher does (rancher/wrangler convert.ToBool)."""
    return value is True or (isinstance(value, str) and value.lower() in ("true", "t", "yes", "y"))


def _refused(cluster: Cluster) -> str | None:
    """Return why the API server or the planner refuses the whole configuration."""
    config = cluster.config
    if not isinstance(config, dict | None) and not isinstance(config, Templated):
        return f"the API server refuses {cluster.config_route[-1]}: it has to be a mapping"
    for field, kind, name in (
        ("machineGlobalConfig", dict, "mapping"),
        ("machineSelectorConfig", list, "list"),
        ("machinePools", list, "list"),
    ):
        value = cluster.document[(*cluster.config_route, field)]
        if value is not None and not isinstance(value, kind):
            if isinstance(value, Templated):
                return f"{field} is templated"
            return f"the API server refuses {field}: it has to be a {name}"
    for layer in cluster.layers:
        if isinstance(layer.selector, Invalid):
            return f"no machine can be planned: the selector of {layer.by} is invalid"
        config = cluster.document[layer.place.route]
        if config is not None and not isinstance(config, dict):
            if isinstance(config, Templated):
                return f"the config of {layer.by} is templated"
            return f"the API server refuses {layer.by}: its config has to be a mapping"
    for file in cluster.files:
        if isinstance(file.selector, Invalid):
            return f"no machine can be planned: the selector of {file.path} is invalid"
    return None


def _kube_proxy_disabled(cluster: Cluster, kinds: Iterable[_Kind]) -> Setting | None:
    """Return the setting that turns kube-proxy off, if all servers agree on it.

    Agents learn it from the servers (k3s-io/k3s pkg/agent/config/config.go), which have to agree
    (rke2-docs reference/server_config.md "Critical Configuration Values").
    """
    if not any(is_true(layer.config.get("disable-kube-proxy")) for layer in cluster.layers):
        return None
    answer: Setting | None = None
    for kind in kinds:
        if not kind.server:
            continue
        settings = dict(settings_of(cluster, kind.layers, server=True))
        setting = settings.get("disable-kube-proxy", Setting("disable-kube-proxy"))
        if setting.value is not True:
            return None
        answer = setting
    return answer


def _judge(
    cluster: Cluster,
    kind: _Kind,
    machine: Machine,
    refused: str | None,
    disabled: Setting | None,
) -> Machine:
    """Give a machine its verdict."""
    if kind.windows:
        return machine.decide(
            "not-applicable", "Windows: kube-proxy.exe ignores the extra environment"
        )
    if refused is not None:
        return machine.decide("unknown", refused)
    if does_not_start(machine):
        return machine
    if disabled is not None:
        return machine.decide("not-applicable", "disable-kube-proxy is true", by=disabled.place)
    if too_old(cluster.version):
        return machine.decide(
            "not-applicable", f"{cluster.version_text} does not know {pin.KEY} yet"
        )
    if uses_nftables(machine):
        return machine
    undecided = _templated_selector(cluster, kind)
    if undecided is not None:
        return machine.decide("unknown", f"the selector of {undecided} is templated")
    setting, unknown = _after_files(machine, kind, cluster.files)
    machine.overruled(setting)
    if unknown is not None and machine.reading.verdict != "broken":
        return machine.decide("unknown", unknown)
    by_the_pin(
        machine,
        open=machine.open,
        unclear="kubernetesVersion does not say whether this is RKE2"
        if cluster.version is None
        else "",
    )
    return machine


def _open(cluster: Cluster) -> bool:
    """Return whether a template may say more of the machines' configuration than the text shows."""
    fields = ("machineGlobalConfig", "machineSelectorConfig", "machinePools")
    routes = [cluster.spec_route, cluster.config_route]
    routes += [(*cluster.config_route, field) for field in fields]
    routes += [layer.place.route for layer in cluster.layers]
    if any(isinstance(cluster.document[route], Templated) for route in routes):
        return True
    generated = cluster.document.generated
    if not generated:
        return False
    inside = [
        cluster.spec_route,
        cluster.config_route,
        (*cluster.config_route, "machineSelectorConfig"),
    ]
    places = [layer.place.route for layer in cluster.layers]
    entries = [layer.entry.route for layer in cluster.layers]
    return any(route in generated for route in [*inside, *places, *entries])


def _templated_selector(cluster: Cluster, kind: _Kind) -> str | None:
    for layer, applies in zip(cluster.layers, kind.layers, strict=True):
        if applies is None and pin.KEY in layer.config:
            return layer.by
    return None


def _after_files(
    machine: Machine, kind: _Kind, written: Sequence[Written]
) -> tuple[Setting, str | None]:
    """Return kube-proxy's environment once Rancher's files lie beside 50-rancher.yaml.

    Files that sort after it win, the others lose (domain of RKE2's own configuration loading).
    The second value says why it cannot be told.
    """
    setting = machine.environment
    early = list(setting.said) if setting.value is not MISSING else []
    unknown: str | None = None
    for file, applies in zip(written, kind.files, strict=True):
        if applies is False:
            continue
        if not file.wins and early:
            continue
        if file.said is None:
            if file.unknown:
                unknown = f"{file.by} may set {pin.KEY}: {file.unknown}"
            continue
        if applies is None:
            unknown = f"the selector of {file.by} is templated"
            continue
        said = file.said
        if file.appends and setting.value is not MISSING:
            said = said._replace(entries=(*setting.entries, *said.entries))
        setting = Setting(pin.KEY, said.value, (*setting.said, said))
        unknown = None if not file.appends else unknown
    return setting, unknown
