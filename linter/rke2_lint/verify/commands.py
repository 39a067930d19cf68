"""The commands that are run in kube-proxy's containers. All of them only read.

The bare `iptables` is none of them: as long as it is the detecting script, calling it makes the choice
(k3s-io/k3s-root iptables-detect/iptables-detect.sh).
"""

from __future__ import annotations

from rke2_lint.node.saved import SAVING

ENVIRONMENT = ("env",)
LINK = ("readlink", "/usr/sbin/iptables")


def saving(tool: str) -> tuple[str, ...]:
    """Return the command that calls one of `SAVING`, by its full name."""
    return (f"/usr/sbin/{tool}",)


COMMANDS: tuple[tuple[str, ...], ...] = (
    ENVIRONMENT,
    LINK,
    *(saving(tool) for tool, _, _ in SAVING),
)
"""All that is ever run."""
