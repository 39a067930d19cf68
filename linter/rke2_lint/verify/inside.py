"""Inside of kube-proxy's container: what commands say that only read (`commands`)."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from lightkube import AsyncClient

from rke2_lint.node.saved import SAVING, Said, dumps_of
from rke2_lint.node.text_of import text_of
from rke2_lint.verify.commands import ENVIRONMENT, LINK, saving
from rke2_lint.verify.failure import FAILURES, status_of
from rke2_policies.diagnosis.evidence import Damage, Evidence, read_link
from rke2_policies.diagnosis.kube_proxy import CONTAINER, NAMESPACE, read_environment
from rke2_policies.diagnosis.live_node import witness_of_services
from rke2_policies.diagnosis.rule_dump import RuleDump


class _Answer(NamedTuple):
    output: bytes
    errors: bytes
    status: int


async def look_inside(client: AsyncClient, evidence: Evidence, seconds: float) -> Evidence:
    """Return the evidence of a node with what its kube-proxy's container says.

    `seconds`: how long a command may take. Raises one of `FAILURES` where the API server cannot be
    asked; what a command itself does wrong becomes a damage.
    """
    pod = evidence.pod.name if evidence.pod is not None else ""
    damages: list[Damage] = []

    async def said(command: tuple[str, ...]) -> Said:
        return _said(await _run(client, pod, command, seconds))

    answer = await said(ENVIRONMENT)
    environment = read_environment(answer.output)
    if environment is None:
        damages.append(Damage("env", answer.fault or "it is no environment"))
    answer = await said(LINK)
    link = read_link(answer.output)
    if link is None:
        damages.append(Damage("readlink /usr/sbin/iptables", answer.fault or "it says no path"))
    dumps: list[RuleDump] = []
    for tool, backend, family in SAVING:
        found, damage = dumps_of(await said(saving(tool)), tool, backend, family)
        dumps += map(_lean, found)
        if damage is not None:
            damages.append(damage)
    return evidence._replace(
        environment=environment, link=link, dumps=tuple(dumps), damages=tuple(damages)
    )


async def _run(
    client: AsyncClient, pod: str, command: tuple[str, ...], seconds: float
) -> _Answer | str:
    """Run a command; return why there is no answer where it cannot be run, or takes too long."""
    try:
        async with asyncio.timeout(seconds):
            done = await client.exec(
                pod,
                namespace=NAMESPACE,
                container=CONTAINER,
                command=list(command),
                stdout=True,
                stderr=True,
                decode=None,
            )
    except TimeoutError:
        return f"it was not done after {seconds:g} seconds"
    except FAILURES as error:
        # The container has no such program: it is the command's fault, not the API server's.
        if status_of(error) in (0, 500) and "executable file not found" in str(error):
            return "there is no such program in the container"
        raise
    return _Answer(_bytes(done.stdout), _bytes(done.stderr), done.exit_code)


def _said(answer: _Answer | str) -> Said:
    if isinstance(answer, str):
        return Said("", "", answer)
    errors = text_of(answer.errors)[0]
    last = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "")
    fault = f"it ended with {answer.status}{f': {last}' if last else ''}" if answer.status else ""
    return Said(text_of(answer.output)[0], errors, fault)


def _lean(dump: RuleDump) -> RuleDump:
    """Return a dump without what nobody asks of it: a large cluster has a hundred thousand rules."""
    chains = witness_of_services(dump.chains)
    return dump._replace(rules=dump.rules if dump.backend == "legacy" else (), chains=chains)


def _bytes(said: str | bytes | None) -> bytes:
    return said.encode() if isinstance(said, str) else said or b""
