"""Mode `self`: replicas that agree on a CA through one Secret, and on when to serve what.

Everything but the API server and the clock is real; the one is in memory, the other turned by hand.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from clocks import DAY, HOUR, HandClock
from httpx2 import HTTPError
from memory_cluster import MUTATING, NAME, NAMESPACE, SECRET, VALIDATING, MemoryCluster

from rke2_webhook import logs
from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.authority import make_authority, make_leaf, read_certificates
from rke2_webhook.tls.cluster import Cluster, ConflictError, MissingError
from rke2_webhook.tls.context import LiveContext, Tls, rehearse
from rke2_webhook.tls.store import Plan, SelfSigned

HOST = f"{NAME}.{NAMESPACE}.svc"
YEAR = timedelta(days=365)
PLAN = Plan(
    secret=SECRET,
    names=[HOST],
    configurations=[MUTATING, VALIDATING],
    ca_lifetime=365 * DAY,
    ca_overlap=DAY,
    leaf_lifetime=7 * DAY,
    settle=5.0,
)
# Leaves that are still valid when the CA is due.
LONG = PLAN._replace(leaf_lifetime=360 * DAY)


class Replica:
    """One pod: its own connection to the API server, its own leaf."""

    def __init__(self, cluster: MemoryCluster, clock: HandClock, plan: Plan = PLAN) -> None:
        self.said = io.BytesIO()
        log = logs.configure("debug", self.said)
        self.memory = cluster
        self.clock = clock
        self.cluster: Cluster = cluster.client()
        self.metrics = Metrics("0")
        self.live = LiveContext(Tls(), plan.names, clock, self.metrics, log)
        self.store = SelfSigned(plan, self.cluster, self.live, clock, self.metrics, log)

    async def step(self) -> float:
        return await self.store.step()

    async def settle(self) -> None:
        """Go on until there is nothing to wait for."""
        for _ in range(20):
            wait = await self.step()
            self.clock.pass_by(wait)
            if wait > 1:
                return
        raise AssertionError(self.said.getvalue().decode())

    @property
    def messages(self) -> list[str]:
        return [json.loads(line)["message"] for line in self.said.getvalue().splitlines()]

    @property
    def serial(self) -> int:
        assert self.live.leaf is not None
        return self.live.leaf.serial_number

    @property
    def is_trusted(self) -> bool:
        """Whether an API server would take what is served, by either configuration."""
        bundles = {self.memory.bundle(MUTATING), self.memory.bundle(VALIDATING)}
        return all(rehearse(self.live.listening, bundle, HOST) is None for bundle in bundles)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def run(cluster: MemoryCluster, play: Callable[[], Awaitable[None]]) -> None:
    async def with_an_end() -> None:
        async with asyncio.timeout(30):
            await play()
        await cluster.close_clients()

    asyncio.run(with_an_end())


def authorities(cluster: MemoryCluster) -> int:
    return len(read_certificates(cluster.bundle()))


def test_the_first_replica_makes_a_ca_and_serves_under_it(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        one = Replica(cluster, clock)
        await one.step()
        # There is nothing to lose yet, so nothing is waited for.
        assert one.is_trusted
        assert set(cluster.secret) == {"ca.crt", "ca.key"}
        assert cluster.bundle(MUTATING) == cluster.bundle(VALIDATING) == cluster.secret["ca.crt"]
        page = one.metrics.page()[0].decode()
        assert 'not_after_timestamp_seconds{certificate="ca"}' in page
        assert 'not_after_timestamp_seconds{certificate="leaf"}' in page

    run(cluster, play)


def test_what_else_is_in_the_secret_stays(cluster: MemoryCluster, clock: HandClock) -> None:
    cluster.secret = {"note": b"hands off"}

    async def play() -> None:
        await Replica(cluster, clock).settle()
        assert cluster.secret["note"] == b"hands off"
        assert cluster.object()["metadata"]["labels"] == {"app": "ours"}

    run(cluster, play)


def test_nothing_is_written_when_nothing_is_due(cluster: MemoryCluster, clock: HandClock) -> None:
    async def play() -> None:
        one = Replica(cluster, clock)
        await one.settle()
        written = cluster.count("PUT"), cluster.count("PATCH")
        for _ in range(20):
            assert await one.step() == 30.0
            clock.pass_by(HOUR)
        assert (cluster.count("PUT"), cluster.count("PATCH")) == written

    run(cluster, play)


def test_replicas_that_start_together_agree_on_one_ca(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        replicas = [Replica(cluster, clock) for _ in range(5)]
        await asyncio.gather(*(each.step() for each in replicas))
        for each in replicas:
            await each.settle()
        assert len({each.live.leaf.issuer for each in replicas if each.live.leaf}) == 1
        assert len({each.serial for each in replicas}) == 5
        assert all(each.is_trusted for each in replicas)
        assert cluster.bundle() == cluster.secret["ca.crt"]

    run(cluster, play)


def test_who_loses_a_race_reads_again(cluster: MemoryCluster, clock: HandClock) -> None:
    winner = make_authority("winner", clock.now(), YEAR)

    def overtake(method: str, path: str) -> None:
        if method == "PUT" and "secrets" in path:
            cluster.before = lambda *_: None
            cluster.secret = {"ca.crt": winner.pem, "ca.key": winner.key_pem}

    async def play() -> None:
        cluster.before = overtake
        one = Replica(cluster, clock)
        await one.step()
        assert cluster.secret["ca.crt"] == winner.pem == cluster.bundle()
        assert one.live.leaf is not None
        assert one.live.leaf.issuer == winner.certificate.subject
        assert one.is_trusted

    run(cluster, play)


def test_races_without_end_are_given_up_for_now(cluster: MemoryCluster, clock: HandClock) -> None:
    def always(method: str, path: str) -> None:
        if method == "PUT":
            cluster.put(path, cluster.object())

    async def play() -> None:
        cluster.before = always
        one = Replica(cluster, clock)
        with pytest.raises(ConflictError):
            await one.step()
        cluster.before = lambda *_: None
        await one.settle()
        assert one.is_trusted

    run(cluster, play)


def test_a_leaf_is_renewed_after_two_thirds_of_its_life(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        one = Replica(cluster, clock)
        await one.settle()
        first = one.serial
        clock.pass_by(4.5 * DAY)
        await one.step()
        assert one.serial == first
        clock.pass_by(0.3 * DAY)
        await one.step()
        assert one.serial != first
        assert one.is_trusted
        # The CA was not touched for it.
        assert (cluster.count("PUT"), authorities(cluster)) == (1, 1)

    run(cluster, play)


def test_a_rotation_of_the_ca_leaves_no_moment_without_trust(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        replicas = [Replica(cluster, clock, LONG) for _ in range(3)]
        for each in replicas:
            await each.settle()
        old = cluster.secret["ca.crt"]
        clock.pass_by(244 * DAY)
        serials = [each.serial for each in replicas]
        stages = []
        # Each looks when its time has come, and in between the API servers call them all.
        for second in range(90):
            each = replicas[second % 3]
            await each.step()
            assert all(one.is_trusted for one in replicas), f"second {second}"
            clock.pass_by(1)
            changed = sum(one.serial != was for one, was in zip(replicas, serials, strict=True))
            stages.append((authorities(cluster), changed))
        assert cluster.secret["ca-old.crt"] == old
        assert stages[0] == (2, 0)  # the bundle first, and no leaf with it
        assert stages[-1] == (2, 3)
        # Nobody knows of the new CA before all API servers had the time to see it.
        assert stages.index((2, 1)) >= 5

        clock.pass_by(DAY - 120)
        await replicas[0].step()
        assert authorities(cluster) == 2
        clock.pass_by(60)
        await replicas[1].step()
        assert (authorities(cluster), "ca-old.crt" in cluster.secret) == (1, False)
        assert all(one.is_trusted for one in replicas)
        for each in replicas:
            await each.settle()
        assert authorities(cluster) == 1

    run(cluster, play)


def test_a_leaf_of_a_new_ca_waits_until_the_bundle_is_read_back(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        one = Replica(cluster, clock, LONG)
        await one.settle()
        first = one.serial
        clock.pass_by(244 * DAY)
        one_refuses = {"on": True}

        def no_apply(method: str, path: str) -> None:
            if method == "PATCH" and one_refuses["on"]:
                raise ConnectionError("the API server hung up")

        cluster.before = no_apply
        for _ in range(10):
            with pytest.raises(HTTPError):
                await one.step()
            clock.pass_by(30)
        assert one.serial == first
        assert one.is_trusted
        one_refuses["on"] = False
        await one.settle()
        assert one.serial != first
        assert one.is_trusted

    run(cluster, play)


def test_a_slow_replica_cannot_take_a_new_ca_out_of_the_bundle(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    """It read the Secret before the rotation, and applies after it."""

    async def play() -> None:
        fast, slow = Replica(cluster, clock, LONG), Replica(cluster, clock, LONG)
        await fast.settle()
        await slow.settle()
        # Somebody emptied a bundle, so the slow one has something to apply.
        cluster.set_bundle(b"")
        clock.pass_by(244 * DAY - 60)
        rotated = []

        def rotate_meanwhile(method: str, path: str) -> None:
            if method == "PATCH" and not rotated:
                rotated.append(path)
                clock.pass_by(120)
                new = make_authority("new", clock.now(), YEAR)
                cluster.secret = {
                    "ca.crt": new.pem,
                    "ca.key": new.key_pem,
                    "ca-old.crt": cluster.secret["ca.crt"],
                }
                for reference in (MUTATING, VALIDATING):
                    cluster.set_bundle(new.pem + cluster.secret["ca-old.crt"], reference)

        cluster.before = rotate_meanwhile
        await slow.step()
        assert rotated
        assert authorities(cluster) == 2
        assert cluster.bundle().startswith(cluster.secret["ca.crt"])

    run(cluster, play)


def test_an_emptied_secret_costs_nobody_their_trust(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        one, two = Replica(cluster, clock), Replica(cluster, clock)
        await one.settle()
        await two.settle()
        before = cluster.bundle()
        cluster.secret = {}
        for second in range(40):
            await (one, two)[second % 2].step()
            assert one.is_trusted
            assert two.is_trusted
            clock.pass_by(1)
        assert authorities(cluster) == 2
        assert before in cluster.bundle()

    run(cluster, play)


@pytest.mark.parametrize(
    "data",
    [
        {"ca.crt": b"garbage", "ca.key": b"garbage"},
        {"ca.crt": b"garbage"},
        {"ca.key": b"garbage"},
    ],
    ids=["garbage", "no key", "a key alone"],
)
def test_a_broken_secret_is_mended(
    cluster: MemoryCluster, clock: HandClock, data: dict[str, bytes]
) -> None:
    async def play() -> None:
        cluster.secret = data
        one = Replica(cluster, clock)
        await one.settle()
        assert one.is_trusted
        assert read_certificates(cluster.secret["ca.crt"])

    run(cluster, play)


def test_a_key_of_another_ca_is_no_ca(cluster: MemoryCluster, clock: HandClock) -> None:
    one, other = (make_authority(name, clock.now(), YEAR) for name in ("one", "other"))
    cluster.secret = {"ca.crt": one.pem, "ca.key": other.key_pem}

    async def play() -> None:
        replica = Replica(cluster, clock)
        await replica.settle()
        assert cluster.secret["ca.crt"] != one.pem
        assert replica.is_trusted
        assert "the CA in the Secret is unusable and is replaced" in replica.messages

    run(cluster, play)


def test_a_missing_secret_is_waited_for(cluster: MemoryCluster, clock: HandClock) -> None:
    cluster.delete()

    async def play() -> None:
        one = Replica(cluster, clock)
        with pytest.raises(
            MissingError, match="Secret cattle-system/rke2-webhook-ca does not exist"
        ):
            await one.step()
        assert one.live.leaf is None
        cluster.restore()
        await one.settle()
        assert one.is_trusted

    run(cluster, play)


def test_a_missing_configuration_is_no_reason_not_to_serve(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    cluster.delete(VALIDATING)

    async def play() -> None:
        one = Replica(cluster, clock)
        await one.settle()
        assert cluster.bundle(MUTATING) == cluster.secret["ca.crt"]
        assert one.messages.count("no caBundle to write") == 1
        cluster.restore(VALIDATING)
        await one.settle()
        assert one.is_trusted

    run(cluster, play)


def test_a_bundle_that_somebody_changes_is_put_right(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        one = Replica(cluster, clock)
        await one.settle()
        cluster.set_bundle(make_authority("stranger", clock.now(), YEAR).pem, VALIDATING)
        assert not one.is_trusted
        await one.step()
        assert one.is_trusted
        assert cluster.bundle(VALIDATING) == cluster.secret["ca.crt"]

    run(cluster, play)


def test_the_api_server_may_be_away_while_a_leaf_is_due(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        one = Replica(cluster, clock)
        await one.settle()
        first = one.serial
        cluster.down = True
        clock.pass_by(6 * DAY)
        with pytest.raises(Exception, match="down for the test"):
            await one.step()
        assert one.serial != first
        assert one.is_trusted

    run(cluster, play)


class TestClocks:
    def test_a_suspended_machine_renews_as_soon_as_it_wakes(
        self, cluster: MemoryCluster, clock: HandClock
    ) -> None:
        async def play() -> None:
            one = Replica(cluster, clock)
            await one.settle()
            clock.suspend(30 * DAY)
            assert one.live.problem is not None
            await one.step()
            assert one.live.problem is None
            assert one.is_trusted

        run(cluster, play)

    def test_a_machine_that_slept_through_a_rotation_catches_up(
        self, cluster: MemoryCluster, clock: HandClock
    ) -> None:
        async def play() -> None:
            awake, asleep = Replica(cluster, clock), Replica(cluster, clock)
            await awake.settle()
            await asleep.settle()
            clock.suspend(244 * DAY)
            await awake.settle()
            clock.suspend(2 * DAY)
            await awake.settle()
            assert authorities(cluster) == 1
            # Its leaf has ended long ago, so it does not wait.
            await asleep.step()
            assert asleep.is_trusted

        run(cluster, play)

    def test_a_clock_that_was_ahead_is_made_up_for(
        self, cluster: MemoryCluster, clock: HandClock
    ) -> None:
        async def play() -> None:
            clock.jump(800 * DAY)
            one = Replica(cluster, clock)
            await one.settle()
            clock.jump(-800 * DAY)
            assert one.live.problem is not None
            await one.step()
            assert one.live.problem is None
            current = read_certificates(cluster.secret["ca.crt"])[0]
            assert current.not_valid_before_utc <= clock.now()
            await one.settle()
            assert one.is_trusted

        run(cluster, play)

    def test_a_step_back_of_an_hour_changes_nothing(
        self, cluster: MemoryCluster, clock: HandClock
    ) -> None:
        async def play() -> None:
            one = Replica(cluster, clock)
            await one.settle()
            first = one.serial
            clock.jump(-HOUR / 2)
            await one.step()
            assert (one.serial, one.live.problem) == (first, None)

        run(cluster, play)


def test_from_another_mode_the_trust_of_the_others_stays(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    """The pods before were served by cert-manager; they go one by one."""
    other = make_authority("cert-manager", clock.now(), YEAR)
    for reference in (MUTATING, VALIDATING):
        cluster.set_bundle(other.pem, reference)

    async def play() -> None:
        before = Replica(cluster, clock)
        before.live.offer(make_leaf(other, [HOST], clock.now(), timedelta(days=7)))
        one = Replica(cluster, clock)
        await one.settle()
        assert one.is_trusted
        assert before.is_trusted
        clock.pass_by(1.1 * DAY)
        await one.settle()
        assert one.is_trusted
        assert not before.is_trusted

    run(cluster, play)


def test_a_secret_that_is_emptied_every_day_does_not_fill_the_bundle(
    cluster: MemoryCluster, clock: HandClock
) -> None:
    async def play() -> None:
        one = Replica(cluster, clock)
        for _ in range(8):
            await one.settle()
            cluster.secret = {}
        await one.settle()
        assert authorities(cluster) == 4
        assert one.is_trusted

    run(cluster, play)


def test_short_lives_rotate_by_themselves(cluster: MemoryCluster, clock: HandClock) -> None:
    """As the tests against a real API server use them."""
    plan = PLAN._replace(ca_lifetime=60.0, ca_overlap=12.0, leaf_lifetime=30.0, settle=2.0)

    async def play() -> None:
        replicas = [Replica(cluster, clock, plan) for _ in range(2)]
        due = [0.0, 0.0]
        issuers: set[Any] = set()
        for _ in range(240):
            for number, each in enumerate(replicas):
                if clock.monotonic() >= due[number]:
                    due[number] = clock.monotonic() + await each.step()
            assert all(each.is_trusted for each in replicas if each.live.leaf)
            issuers |= {each.live.leaf.issuer for each in replicas if each.live.leaf}
            clock.pass_by(1)
        assert 4 <= len(issuers) <= 8

    run(cluster, play)
