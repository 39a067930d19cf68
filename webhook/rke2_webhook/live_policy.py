"""The policy in force: that of a file, which may change under a running server."""

from __future__ import annotations

from pathlib import Path

from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import load_policy


class LivePolicy:
    """Keeps the last good policy of a file, and of the files that it extends.

    Files are asked for their bytes and never for their times: kubelet swaps a link beside them,
    and what it points to may be older than what was there before.
    """

    def __init__(self, path: Path | None) -> None:
        """Read the policy; without a path, it is the default for ever. Raises PolicyError."""
        self._path = path
        self._seen: dict[str, bytes] = {}
        self.current: Policy = DEFAULT
        """What reviews are answered under."""
        self.look()

    def look(self) -> bool:
        """Take what the file says now, and return whether that is something else.

        Raises PolicyError where it cannot be used: then the one before stays in force.
        """
        if self._path is None or (self._seen and self._is_the_same()):
            return False
        seen: dict[str, bytes] = {}

        def read(name: str) -> bytes:
            seen[name] = Path(name).read_bytes()
            return seen[name]

        self.current = load_policy(str(self._path), read)
        self._seen = seen
        return True

    def _is_the_same(self) -> bool:
        try:
            return all(Path(name).read_bytes() == data for name, data in self._seen.items())
        except OSError:
            return False
