"""A node's configuration files as evidence: what they come to, by the linter's own reading."""

from __future__ import annotations

from collections.abc import Mapping

from rke2_policies import environment_file, recognise
from rke2_policies.dialects import rke2_config
from rke2_policies.file import Broken, File
from rke2_policies.machine import Machine
from rke2_policies.policy import Params
from rke2_policies.yaml_source import Source


def read_configuration(
    files: Mapping[str, bytes], params: Params, role: str = ""
) -> Machine | None:
    """Return what configuration files come to, by path as on the node; None where there are none.

    `files`: `etc/rancher/rke2/config.yaml`, its drop-ins, and the service's environment files.
    `role`: `server` or `agent` where that is known from elsewhere.
    """
    groups = rke2_config.groups([_file(path, data, role) for path, data in files.items()])
    read = [group for group in groups if group.read or group.environment]
    return rke2_config.node(read[0], params).machine if read else None


def _file(path: str, data: bytes, role: str) -> File:
    if recognise.is_environment(path):
        return File(path, environment_file.read(path, data).documents, kind="rke2-environment")
    source = Source.read(path, data)
    broken = tuple(Broken.at(path, one.document, one.span, one.message) for one in source.problems)
    kind = f"rke2-{role}-config" if role else "rke2-config"
    return File(path, source.documents, kind=kind, broken=broken)
