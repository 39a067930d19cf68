"""Containers that the API server can run commands in: the kubelet's own streaming code, over folders."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from kube import Pair

MODULE = Path(__file__).parent / "kubelet"


def binary() -> Path | None:
    """Return the server, which is built once; None where there is no Go to build it with."""
    sources = [MODULE / name for name in ("go.mod", "go.sum", "main.go")]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rke2-lint-e2e"
    built = cache / f"kubelet-{key}"
    if built.exists():
        return built
    if not shutil.which("go"):
        return None
    cache.mkdir(parents=True, exist_ok=True)
    made = cache / f".kubelet-{key}.{os.getpid()}"
    subprocess.run(
        ["go", "build", "-p", "2", "-trimpath", "-o", made, "."],
        cwd=MODULE,
        env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        check=True,
    )
    made.rename(built)
    return built


class Containers:
    """Folders that are containers, and the port at which commands are run in them."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.port = port

    def make(self, pod: str, files: Mapping[str, str], environ: Mapping[str, str]) -> None:
        """Make the container of a Pod: `files` are scripts, or say where a link leads to (`-> …`)."""
        home = self.root / pod
        for name, text in files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if text.startswith("-> "):
                path.symlink_to(text.removeprefix("-> "))
            else:
                path.write_text(text)
                path.chmod(0o755)
        lines = "".join(f"{name}={value}\n" for name, value in environ.items())
        (home / "environ").write_text(lines)


@contextlib.contextmanager
def running(program: Path, root: Path, pair: Pair) -> Iterator[Containers]:
    """Serve the containers below a folder, as a kubelet does."""
    root.mkdir(parents=True, exist_ok=True)
    command = [program, "-root", root, "-cert", pair.certificate, "-key", pair.key]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as served:
        assert served.stdout is not None
        try:
            yield Containers(root, int(served.stdout.readline()))
        finally:
            served.kill()
