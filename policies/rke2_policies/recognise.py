"""Recognising files: what can matter at all, by bytes and path, before any of it is parsed.

This module is on the way of every file of a repository: it imports nothing but `re`.
"""

from __future__ import annotations

import re

KINDS = (
    "rke2-config",
    "rke2-server-config",
    "rke2-agent-config",
    "k3s-config",
    "rke2-environment",
    "rancher-cluster",
)
"""What a user can say that a file is (`--as`)."""

# A file that holds none of these bytes says nothing of RKE2's kube-proxy.
_TOKENS = (
    b"provisioning.cattle.io",
    b"RKEControlPlane",
    b"rke.cattle.io.rkecontrolplane",
    b"RKE2ControlPlane",
    b"RKE2Config",
    b"IPTABLES_MODE",
    b"extra-env",
    b"extra_env",
    b"rke2-kube-proxy",
    b"cni:",
    b'"cni"',
    b"ingress-controller:",
    b"profile: cis",
    b'profile: "cis',
    b"control-plane-resource-",
    b"pod-security-admission-config-file",
    b"audit-policy-file",
    b"extra-mount",
    b"rancher_kubernetes_engine_config",
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

# Where the units of RKE2's packages and its tarball are (rancher/rke2 bundle/, install.sh).
_UNITS = (
    "usr/local/lib/systemd/system/",
    "usr/lib/systemd/system/",
    "lib/systemd/system/",
)
_INSTALLER = "var/lib/rancher/rke2/system-agent-installer/"

# Patterns are compiled when they are first needed: that costs more than all else here.
# Objects that are called Cluster but are none of Rancher's are told apart, with their reason.
_CLUSTER = rb"""(?m)^\W*["']?kind["']?[ \t]*:[ \t]*["']?Cluster["']?[ \t]*(?:[#,}\r]|$)"""
_OURS = rb"""kind["']?[ \t]*:[ \t]*["']?(?:Cluster|RKEControlPlane)\b"""
_CONFIG_PATH = r"(?i)(?:^|/)rancher/(rke2|k3s)/config\.ya?ml$"
_DROP_IN = r"(?is)^(?P<base>(?:.*/)?[^/]+\.ya?ml)\.d/(?P<name>.+)$"
_WRONG_FOLDER = r"(?s)^(?P<folder>(?:.*/)?)config\.d/(?P<name>.+)$"
_ENVIRONMENT = r"(?s)^(?P<root>(?:.*/)?)(?:(?:default|sysconfig)/rke2-[^/.]*|rke2-[^/]*\.env)$"


def may_matter(path: str, data: bytes) -> bool:
    """Return whether a file can say anything of RKE2: a search of its bytes, no parsing."""
    if path_matters(path):
        return True
    if data[:2] in _UTF16 or b"\0" in data[:4]:
        data = data.replace(b"\0", b"")
    for token in _TOKENS:
        if token in data:
            return True
    if b"Cluster" in data and re.search(_CLUSTER, data):
        return True
    # RKE1's cluster.yml: nodes with an address and their roles.
    return b"nodes:" in data and b"address:" in data and b"role:" in data and b"user:" in data


def is_ours(path: str, data: bytes) -> bool:
    """Return whether a file that does not parse is ours all the same, by its path or its bytes."""
    # RKE2 does not mind what it never reads, such as a drop-in that an editor has kept as `.bak`.
    is_read = base_of(path) is None or is_drop_in(path)
    if is_read and config_by_path(path) == "rke2":
        return True
    if data[:2] in _UTF16 or b"\0" in data[:4]:
        data = data.replace(b"\0", b"")
    if is_read and b"kube-proxy-extra-env" in data:
        return True
    if b"+k3s" in data and b"rke2" not in data:
        return False
    return (b"provisioning.cattle.io/" in data or b"rke.cattle.io/" in data) and bool(
        re.search(_OURS, data)
    )


def path_matters(path: str) -> bool:
    """Return whether a file's path alone says that it is RKE2's or K3s's configuration."""
    return config_by_path(path) is not None or is_environment(path)


def config_by_path(path: str) -> str | None:
    """Return `rke2` or `k3s` where the path says whose configuration file it is."""
    if "rancher/" not in path:
        return None
    found = re.search(_CONFIG_PATH, base_of(path) or path)
    return found[1].lower() if found else None


def base_of(path: str) -> str | None:
    """Return the base file of a drop-in, or of a file that lies where one looks for drop-ins."""
    if ".d/" not in path.lower():
        return None
    found = re.match(_DROP_IN, path)
    if found:
        return found["base"]
    found = re.match(_WRONG_FOLDER, path)
    return f"{found['folder']}config.yaml" if found else None


def is_drop_in(path: str) -> bool:
    """Return whether RKE2 reads a file of this path as a drop-in.

    Only files right in the `.d` folder, whose names end in .yaml or .yml in any case
    (k3s-io/k3s pkg/configfilearg/parser.go `dotDFiles`).
    """
    found = re.match(_DROP_IN, path)
    if found is None or "/" in found["name"]:
        return False
    return found["name"].lower().endswith((".yaml", ".yml"))


def is_environment(path: str) -> bool:
    """Return whether a file is an EnvironmentFile of RKE2's services."""
    return "rke2-" in path and re.match(_ENVIRONMENT, path) is not None


def config_of_environment(path: str) -> str:
    """Return the path of the config file that belongs to an EnvironmentFile.

    `/etc/default/rke2-server` → `/etc/rancher/rke2/config.yaml`. The files are those of RKE2's
    units (rancher/rke2 bundle/lib/systemd/system/rke2-server.service).
    """
    found = re.match(_ENVIRONMENT, path)
    root = found["root"] if found else ""
    for inside in _UNITS:
        if root.endswith(inside):
            return f"{root[: -len(inside)]}etc/rancher/rke2/config.yaml"
    # Rancher's agent writes its own below the data directory (rancher/system-agent-installer-rke2
    # package/run.sh).
    own = re.match(rf"(?s)(?P<root>(?:.*/)?){_INSTALLER}$", root)
    if own:
        return f"{own['root']}etc/rancher/rke2/config.yaml"
    if re.search(r"(?:^|/)(?:default|sysconfig)/[^/]*$", path):
        return f"{root}rancher/rke2/config.yaml"
    return f"{root}config.yaml"


def environment_folders(config: str) -> tuple[str, ...]:
    """Return the folders in which EnvironmentFiles of a config file may lie, each with its `/`.

    The other way round: `config_of_environment` leads from a file in one of them to the config file.
    """
    found = re.match(r"(?s)^(?P<folder>(?:.*/)?)config\.yaml$", config)
    if found is None:
        return ()
    folders = [found["folder"]]
    etc = re.match(r"(?s)^(?P<etc>(?:.*/)?)rancher/rke2/$", found["folder"])
    if etc is not None:
        folders += [f"{etc['etc']}default/", f"{etc['etc']}sysconfig/"]
        root = re.match(r"(?s)^(?P<root>(?:.*/)?)etc/$", etc["etc"])
        if root is not None:
            folders += [f"{root['root']}{inside}" for inside in (*_UNITS, _INSTALLER)]
    return tuple(folders)
