"""Replicas of the webhook as processes, and a stand-in for the Service in front of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx2
from prometheus_client.parser import text_string_to_metric_families

_PATIENCE = 30.0


class Replica:
    """One process of `rke2-webhook serve`, on ports of its own."""

    def __init__(
        self, name: str, home: Path, kubeconfig: Path, settings: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = home / f"{name}.log"
        self._started: dict[str, Any] | None = None
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rke2_webhook", "serve"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "KUBECONFIG": str(kubeconfig),
                    **{
                        f"RKE2_WEBHOOK_{key.upper()}": value
                        for key, value in {
                            # Ports that it finds itself: one that was free a moment ago may
                            # not be so anymore.
                            "review_address": "127.0.0.1",
                            "review_port": "0",
                            "probe_address": "127.0.0.1",
                            "probe_port": "0",
                            **settings,
                        }.items()
                    },
                },
            )

    @property
    def probe_port(self) -> int | None:
        """Where it answers probes, once it has started and told so."""
        if self._started is None:
            told = [line for line in self.lines if line["message"] == "started"]
            self._started = told[0] if told else None
        return self._started["probe_port"] if self._started else None

    @property
    def port(self) -> int:
        """Where it takes reviews; waits until it has started."""
        wait_for(lambda: self.probe_port is not None, self.log.read_text)
        assert self._started is not None
        return int(self._started["port"])

    def probe(self, path: str) -> httpx2.Response | None:
        """Ask the probe port; None while nobody answers there."""
        port = self.probe_port
        try:
            return httpx2.get(f"http://127.0.0.1:{port}{path}", trust_env=False) if port else None
        except httpx2.TransportError:
            return None

    @property
    def is_ready(self) -> bool:
        answer = self.probe("/readyz")
        return answer is not None and answer.status_code == 200

    def metric(self, sample: str, **labels: str) -> float:
        """Return the sum of a sample over all series with these labels."""
        answer = self.probe("/metrics")
        assert answer is not None, f"{self.name} does not answer"
        return sum(
            found.value
            for family in text_string_to_metric_families(answer.text)
            for found in family.samples
            if found.name == sample and labels.items() <= found.labels.items()
        )

    def until_ready(self) -> Self:
        wait_for(lambda: self.is_ready, lambda: f"{self.name}: {self._reason()}")
        return self

    def until_it_says(self, words: str) -> None:
        """Wait until `/readyz` says something."""
        wait_for(lambda: words in self._reason(), lambda: f"{words!r} in {self._reason()!r}")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has written to its log so far."""
        whole = self.log.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]

    def terminate(self) -> None:
        """Tell it to stop, as Kubernetes does."""
        self._process.terminate()

    def kill(self) -> None:
        """Stop it without a word."""
        self._process.kill()

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return self._process.wait(_PATIENCE)

    def close(self) -> None:
        """Stop it, whatever it takes."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _reason(self) -> str:
        answer = self.probe("/readyz")
        return answer.text if answer is not None else "nobody answers the probes"


class Service:
    """Passes connections on to replicas that are ready, in turn, as kube-proxy does.

    A connection stays with its replica. Who is ready is known as late as kubelet would know it,
    only faster, so that tests need not take minutes.
    """

    def __init__(self, every: float = 0.1) -> None:
        self._every = every
        self._replicas: list[Replica] = []
        self._ready: list[Replica] = []
        self._turn = 0
        self._passing: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stopped: asyncio.Event | None = None
        self._thread.start()

    def choose_from(self, replicas: Sequence[Replica]) -> None:
        """Pass connections on to these from now on."""
        self._replicas = list(replicas)

    def until_all_are_ready(self) -> None:
        wait_for(
            lambda: len(self._ready) == len(self._replicas),
            lambda: ", ".join(f"{each.name}: {each._reason()}" for each in self._replicas),
        )

    def close(self) -> None:
        stopped = self._stopped
        if stopped is not None:
            self._loop.call_soon_threadsafe(stopped.set)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        server = await asyncio.start_server(self._pass_on, sock=self._listening)
        watching = asyncio.create_task(self._watch())
        await self._stopped.wait()
        watching.cancel()
        server.close()
        # Who has just been accepted begins only now.
        await asyncio.sleep(0)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)

    async def _watch(self) -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=1) as client:
            while True:
                replicas = list(self._replicas)
                before = self._ready
                verdicts = await asyncio.gather(
                    *(_asked(client, each, was=each in before) for each in replicas)
                )
                self._ready = [
                    each for each, ready in zip(replicas, verdicts, strict=True) if ready
                ]
                await asyncio.sleep(self._every)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.current_task()
        assert passing is not None
        # Once the client has gone, asyncio itself knows the task only weakly, and it may be
        # collected while it waits for the other side.
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)
        with contextlib.ExitStack() as open_ones:
            open_ones.callback(writer.transport.abort)
            there, back = await self._connected()
            if there is None or back is None:
                return
            open_ones.callback(back.transport.abort)
            await asyncio.gather(_copy(reader, back), _copy(there, writer), return_exceptions=True)

    async def _connected(
        self,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | tuple[None, None]:
        """Connect to the next replica that is ready; one that refuses is not."""
        while self._ready:
            self._turn += 1
            chosen = self._ready[self._turn % len(self._ready)]
            try:
                return await asyncio.open_connection("127.0.0.1", chosen.port)
            except OSError:
                self._ready = [each for each in self._ready if each is not chosen]
        return None, None


async def _asked(client: httpx2.AsyncClient, replica: Replica, *, was: bool) -> bool:
    port = replica.probe_port
    if port is None:
        return False
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    except httpx2.TimeoutException:
        return was  # kubelet, too, asks several times before it believes that nobody is there
    except httpx2.TransportError:
        return False
    return answer.status_code == 200


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(1 << 16):
        writer.write(part)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


class Load:
    """Calls something again and again beside the test, and keeps what it raised."""

    def __init__(self, call: Callable[[], None], *, threads: int = 1, pause: float) -> None:
        self._call = call
        self._pause = pause
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        self.calls = 0
        self.failures: list[BaseException] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Make no further call, and wait for those that are made."""
        self._done.set()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _run(self) -> None:
        while not self._done.wait(self._pause):
            try:
                self._call()
            except BaseException as error:
                self.failures.append(error)
            self.calls += 1


@contextlib.contextmanager
def replicas(
    count: int, home: Path, kubeconfig: Path, settings: Mapping[str, str]
) -> Iterator[list[Replica]]:
    """Start this many replicas, all with the same settings, and stop them afterwards."""
    started = [
        Replica(f"replica-{number}", home, kubeconfig, settings) for number in range(1, count + 1)
    ]
    try:
        yield started
    finally:
        for each in started:
            each.close()


def wait_for(
    holds: Callable[[], bool], complaint: Callable[[], str] = str, seconds: float = _PATIENCE
) -> None:
    """Wait until something holds, or fail the test."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"waited {seconds} s in vain: {complaint()}"
        time.sleep(0.05)
