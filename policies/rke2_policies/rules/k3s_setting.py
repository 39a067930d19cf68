"""K3s has no kube-proxy-extra-env."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.foreign import Foreign
from rke2_policies.rule import rule


@rule(Foreign, severity=Severity.WARNING)
def check(foreign: Foreign) -> Iterator[Problem]:
    if foreign.runtime != "k3s":
        return
    for route in foreign.config_routes:
        config = foreign.document[route]
        for key in (pin.KEY, f"{pin.KEY}+"):
            if isinstance(config, dict) and key in config:
                gone = "Rancher drops it" if route else "K3s does not know such a flag"
                message = f"this is K3s, which runs kube-proxy in its own process: {gone}"
                yield Problem(message, Place(foreign.document.id, (*route, key), on_key=True))
