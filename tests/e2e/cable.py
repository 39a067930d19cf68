"""A cable to a server that can be cut: bytes pass until there were so many, and then nothing does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class Cable:
    """Passes bytes on. `most`: so many come back; None: all."""

    def __init__(self, url: str, most: int | None = None) -> None:
        address = urlsplit(url)
        self._there = (address.hostname or "", address.port or 443)
        self._most = most
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.passed = 0
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until the cable is cut."""
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                there = socket.create_connection(self._there)
                self._open += (here, there)
                threading.Thread(target=self._pass, args=(here, there), daemon=True).start()
                threading.Thread(
                    target=self._pass, args=(there, here), kwargs={"counted": True}, daemon=True
                ).start()

    def _pass(self, source: socket.socket, target: socket.socket, *, counted: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if counted:
                    self.passed += len(data)
                    if self._most is not None and self.passed > self._most:
                        self.cut()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Let nothing pass any more."""
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                # While a thread waits for it, closing alone tells nobody.
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextlib.contextmanager
def laid(url: str, most: int | None = None) -> Iterator[Cable]:
    """Lay a cable to a server, and take it away afterwards."""
    cable = Cable(url, most)
    threading.Thread(target=cable.serve, daemon=True).start()
    try:
        yield cable
    finally:
        cable.cut()
