"""Clusters: what the machines of one Rancher object have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rke2_policies.document import Document, Place
from rke2_policies.label_selector import Invalid, Selector
from rke2_policies.machine import NOTHING_SPECIAL, Machine, Said
from rke2_policies.pin import WANTED, Pin
from rke2_policies.policy import Params
from rke2_policies.route import Json, Route
from rke2_policies.version import Version


class Pool(NamedTuple):
    """A machine pool, or a combination of roles of a custom cluster, with its machines' labels."""

    name: str
    roles: tuple[str, ...]
    labels: Mapping[str, str]
    windows: bool = False
    deployment_labels: Mapping[str, Json] = {}
    """Labels that go to the MachineDeployment only: no selector of ours sees them."""


class Layer(NamedTuple):
    """`machineGlobalConfig`, or the `config` of one entry of `machineSelectorConfig`."""

    by: str
    config: Mapping[str, Json]
    place: Place
    """Where the settings stand."""
    selector: Selector | Invalid
    entry: Place
    """The entry of the list, which holds the selector, too."""
    said: Mapping[str, Said]
    """What each key of `config` says."""


class Written(NamedTuple):
    """One file that Rancher writes into RKE2's configuration, and what it says of the pin."""

    by: str
    path: str
    place: Place
    """Where the Cluster names it."""
    selector: Selector | Invalid
    wins: bool
    """It is read after 50-rancher.yaml."""
    said: Said | None
    """What it says of kube-proxy's environment, if that is known and anything."""
    appends: bool
    unknown: str
    """Why its content cannot be told; "" where it can."""
    dynamic: bool
    """A change of it restarts nothing."""


class Cluster(NamedTuple):
    """A Cluster or RKEControlPlane that Rancher plans RKE2 machines for."""

    document: Document
    name: str
    """`namespace/name`"""
    kind: str
    route: Route
    """Where the object stands in its document: () or the item of a List."""
    spec_route: Route
    config_route: Route
    """Where machineGlobalConfig stands in: `spec.rkeConfig`, for an RKEControlPlane `spec`."""
    version_text: Json
    version: Version | None
    layers: tuple[Layer, ...]
    pools: tuple[Pool, ...]
    custom: bool
    """No pools: machines register themselves, so only their possible roles are known."""
    files: tuple[Written, ...]
    machines: tuple[Machine, ...]
    params: Params = NOTHING_SPECIAL
    """What its policy asks for."""

    @property
    def pin(self) -> Pin:
        """The pin that its policy wants."""
        return WANTED[self.params.backend]

    def at(self, route: Route) -> Place:
        """Return the place of a route of the document."""
        return Place(self.document.id, route)

    @property
    def spec(self) -> Json:
        """The object's `spec`."""
        return self.document[self.spec_route]

    @property
    def config(self) -> Json:
        """What holds machineGlobalConfig and its siblings."""
        return self.document[self.config_route]
