"""The engines that build and run the image for the tests: buildah and podman, with a storage of their own."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = "localhost/rke2-lint-test/debian"

# What a release tells the build.
TOLD = (
    "--timestamp=0", "--build-arg=SOURCE_DATE_EPOCH=1700000000",
    "--build-arg=VERSION=1.2.3", "--build-arg=COMMIT=abc",
)  # fmt: skip

# A pod has these, and no other: see the chart's securityContext. Limits are named because an engine
# would raise its own to what some hosts do not allow.
LIKE_A_POD = (
    "--network=none", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all",
    "--security-opt=no-new-privileges", "--memory=192m",
    "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024",
)  # fmt: skip


class Engine(NamedTuple):
    """Where images and containers of the tests are kept, apart from anybody else's."""

    assets: Path

    def buildah(self, *arguments: str | Path) -> str:
        return self._run("buildah", *arguments)

    def podman(self, *arguments: str | Path) -> str:
        return self._run("podman", "--runtime=runc", *arguments)

    def _run(self, program: str, *arguments: str | Path) -> str:
        storage = (f"--root={self.assets}/storage", f"--runroot={self.assets}/run")
        done = subprocess.run(
            [program, *storage, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, f"{program} {arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def build(self, name: str, context: Path, *arguments: str) -> None:
        """Build the image as `make image` does."""
        given = ["--isolation=chroot", f"--ignorefile={context}/webhook/Dockerfile.dockerignore"]
        given += [
            f"--build-arg=BASE={BASE}",
            f"--tag={name}",
            f"--file={context}/webhook/Dockerfile",
        ]
        if CERTIFICATES.exists():  # behind a proxy that ends TLS, its own is among them
            given.append(f"--secret=id=ca-certificates,src={CERTIFICATES}")
        self.buildah("build", *given, *arguments, context)

    @contextlib.contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """Show the files of an image."""
        container = self.buildah("from", image)
        try:
            yield Path(self.buildah("mount", container))
        finally:
            self.buildah("rm", container)
