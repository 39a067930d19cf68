"""kube-proxy as it runs: what its Pod says, which needs no command inside the container.

RKE2 writes it as a static Pod, so the Pod in the API is what the kubelet mirrors, and its
environment is what the container got (rancher/rke2 pkg/podtemplate/podtemplate.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rke2_policies import pin
from rke2_policies.lazy_pattern import lazily
from rke2_policies.route import Json

_NAMED = lazily(r"[A-Za-z_][^=\s]*=")
LABEL = "component=kube-proxy"
NAMESPACE = "kube-system"
CONTAINER = "kube-proxy"
# What is another one on every node (rancher/rke2 pkg/podtemplate/podtemplate.go `Pod`).
_OWN_NAME = "--hostname-override"
_OWN_HASH = "FILE_HASH"


class KubeProxy(NamedTuple):
    """One kube-proxy Pod."""

    name: str
    node: str
    """"" where the Pod's manifest does not say it."""
    mode: str | None
    """IPTABLES_MODE of the container: the last one counts (kubernetes/kubernetes
    pkg/kubelet/kubelet_pods.go `makeEnvironmentVariables`); None where it is not set."""
    proxy_mode: str
    """`--proxy-mode`; "" where it is not given, which is iptables."""
    image: str
    phase: str
    """`Running`, `Pending`, …; "" in a manifest."""
    ready: bool | None
    """None where the status does not say."""
    restarts: int
    started: str
    """When the container started, RFC 3339; "" where that is not said."""
    settings: frozenset[str] = frozenset()
    """What its container is started with: `--flag=value` for arguments, without the node's own name,
    and the names of variables. Their values may be secrets, as those of HTTP_PROXY."""


def is_kube_proxy(pod: Json) -> bool:
    """Return whether an object is a Pod of kube-proxy, as RKE2 labels and names it."""
    match pod:
        case {"kind": "Pod", "metadata": dict(metadata)}:
            labels = metadata.get("labels")
            component = labels.get("component") if isinstance(labels, dict) else None
            return component == "kube-proxy" or str(metadata.get("name")) == "kube-proxy"
        case _:
            return False


def read_pod(pod: Json) -> KubeProxy:
    """Return what a Pod says; what has another type than it should have says nothing."""
    tree = _mapping(pod)
    metadata, spec, status = (_mapping(tree.get(key)) for key in ("metadata", "spec", "status"))
    containers = [_mapping(one) for one in _list(spec.get("containers"))]
    container = next((one for one in containers if one.get("name") == CONTAINER), None)
    container = container or (containers[0] if containers else {})
    statuses = [_mapping(one) for one in _list(status.get("containerStatuses"))]
    state = next((one for one in statuses if one.get("name") == container.get("name")), {})
    ready = state.get("ready")
    restarts = state.get("restartCount")
    running = _mapping(_mapping(state.get("state")).get("running"))
    return KubeProxy(
        _text(metadata.get("name")),
        _text(spec.get("nodeName")),
        _variable(container.get("env")),
        _flag([*_list(container.get("command")), *_list(container.get("args"))], "proxy-mode"),
        _text(container.get("image")),
        _text(status.get("phase")),
        ready if isinstance(ready, bool) else None,
        restarts if isinstance(restarts, int) else 0,
        _text(running.get("startedAt")),
        frozenset(_settings(container)),
    )


def pods_in(tree: Json) -> Iterator[Json]:
    """Yield kube-proxy's Pods of an object: of a Pod itself, or of a list as kubectl writes it."""
    if is_kube_proxy(tree):
        yield tree
    elif isinstance(tree, dict) and isinstance(items := tree.get("items"), list):
        yield from (
            {"kind": "Pod", **one}
            for one in items
            if isinstance(one, dict) and is_kube_proxy({"kind": "Pod", **one})
        )


class Environment(NamedTuple):
    """The environment of kube-proxy's container."""

    mode: str | None
    """IPTABLES_MODE; None where it is not set."""


def read_environment(text: str) -> Environment | None:
    """Return what `env` or /proc/1/environ wrote; None where it is no environment."""
    if "\0" in text:
        lines = text.split("\0")
    else:
        lines = text.removeprefix("\ufeff").split("\n")
        if all(line.endswith("\r") for line in lines[:-1]):
            # A terminal's line ends, as of `kubectl exec -it`. One among others is the value's.
            lines = [line.removesuffix("\r") for line in lines]
    named = [line.partition("=") for line in lines if _NAMED.match(line)]
    if not named:
        return None
    modes = [value for name, _, value in named if name == pin.VARIABLE]
    return Environment(modes[-1] if modes else None)


def _variable(environment: Json) -> str | None:
    found: str | None = None
    for entry in map(_mapping, _list(environment)):
        if entry.get("name") == pin.VARIABLE:
            found = _text(entry.get("value"))
    return found


def _settings(container: Mapping[str, Any]) -> Iterator[str]:
    for argument in _list(container.get("args")):
        if _text(argument).startswith("--") and not argument.startswith(_OWN_NAME):
            yield argument
    for entry in map(_mapping, _list(container.get("env"))):
        if (name := _text(entry.get("name"))) and name not in (pin.VARIABLE, _OWN_HASH):
            yield name


def _flag(arguments: list[Any], name: str) -> str:
    found = ""
    for at, one in enumerate(arguments):
        flag, equals, value = _text(one).partition("=")
        if flag.lstrip("-") == name and flag.startswith("-"):
            following = _text(arguments[at + 1]) if at + 1 < len(arguments) else ""
            found = value if equals else following
    return found


def _mapping(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
