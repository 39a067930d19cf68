"""Is the image what it says: Python and the server, nobody's shell, and a pod that answers and ends?"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from container_engine import LIKE_A_POD, ROOT, TOLD, Engine

from rke2_lint import __version__
from rke2_webhook.commands import make_certificates

REVIEW = ROOT / "examples/webhook/review.json"
NOBODY = 65532


# --- what is in it


def test_two_builds_of_the_same_source_are_the_same_image(
    engine: Engine, image: str, files: Path, context: Path
) -> None:
    again = "rke2-lint-test/again"
    engine.build(again, context, "--no-cache", *TOLD)
    with engine.mounted(again) as others:
        assert _listed(others) == _listed(files)

    def layers(name: str) -> Any:
        return json.loads(engine.podman("inspect", name))[0]["RootFS"]["Layers"]

    assert layers(again) == layers(image)


def _listed(root: Path) -> dict[str, tuple[object, ...]]:
    """Return what a layer keeps of each file: what it is, whose, and what it says."""
    found: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        about = path.lstat()
        said = str(path.readlink()) if path.is_symlink() else ""
        said = said or (sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        name = path.relative_to(root).as_posix()
        found[name] = (oct(about.st_mode), about.st_uid, about.st_gid, said)
    return found


def test_nothing_in_it_can_be_run_but_python(files: Path) -> None:
    programs = {
        path.relative_to(files).as_posix()
        for path in files.rglob("*")
        if path.is_file()
        and os.access(path, os.X_OK)
        and (path.parent.name in ("bin", "sbin") or path.read_bytes()[:2] == b"#!")
    }
    python = (files / "usr/bin/python3").readlink().as_posix()
    assert programs == {
        "usr/bin/python3", f"usr/bin/{python}", "usr/local/bin/rke2-lint", "usr/local/bin/rke2-webhook",
        *(one for one in programs if one.startswith(f"usr/lib/{python}/")),
    }  # fmt: skip
    assert not [path for path in files.rglob("*") if path.name in ("sh", "bash", "dash", "busybox")]


def test_nothing_in_it_gives_rights_or_is_everybodys(files: Path) -> None:
    for path in files.rglob("*"):
        mode = path.lstat().st_mode
        assert not mode & (stat.S_ISUID | stat.S_ISGID) or stat.S_ISDIR(mode), path
        assert path.lstat().st_uid == 0 or path.parent.name == "var", path
        sticky = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
        assert stat.S_ISLNK(mode) or sticky or not mode & stat.S_IWOTH, path


def test_it_holds_what_was_pinned_and_nothing_else_from_pypi(files: Path) -> None:
    pinned = dict(
        re.findall(
            r"^([\w.-]+)==(\S+)", (ROOT / "webhook/requirements.txt").read_text(), re.MULTILINE
        )
    )
    there = {
        re.sub(r"[-_.]+", "-", path.name.split("-")[0]).lower(): path.name.split("-")[1]
        for path in files.glob("usr/local/lib/python3*/dist-packages/*.dist-info")
        for path in [path.with_suffix("")]
    }
    assert there == {**pinned, "rke2-lint": __version__}


def test_each_package_keeps_its_licence(files: Path) -> None:
    for path in (files / "var/lib/dpkg/status.d").iterdir():
        # A package may keep that of the one it is built with.
        folder = files / "usr/share/doc" / path.name
        if path.suffix != ".md5sums":
            assert folder.is_symlink() or (folder / "copyright").exists(), path.name


def test_its_bill_of_materials_names_each_package(files: Path) -> None:
    pytest.importorskip("cyclonedx", reason="the extra `dev` installs it")
    done = subprocess.run(
        [sys.executable, ROOT / "webhook/write_sbom.py", files],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    bill = json.loads(done.stdout)
    named = {(one["purl"].partition("/")[0], one["name"]) for one in bill["components"]}
    debian = {path.name for path in (files / "var/lib/dpkg/status.d").iterdir()}
    debian = {name for name in debian if not name.endswith(".md5sums")}
    assert {name for kind, name in named if kind == "pkg:deb"} == debian
    assert ("pkg:pypi", "rke2-lint") in named
    assert ("pkg:pypi", "cryptography") in named


def test_its_labels_tell_the_version_and_the_commit(engine: Engine, image: str) -> None:
    config = json.loads(engine.podman("inspect", image))[0]["Config"]
    assert config["User"] == "65532:65532"
    assert config["Labels"]["org.opencontainers.image.version"] == "1.2.3"
    assert config["Labels"]["org.opencontainers.image.revision"] == "abc"
    said = engine.podman(
        "run", "--rm", *LIKE_A_POD, "--entrypoint=/usr/local/bin/rke2-lint", image, "--version"
    )
    assert f"rke2-lint {__version__} (commit abc, rules " in said
    assert "with libyaml" in said


# --- what it does


class Running:
    """A container that serves, and what can be asked of it from within its own network."""

    def __init__(self, engine: Engine, name: str, folder: Path) -> None:
        self.engine = engine
        self.name = name
        self.folder = folder
        self.pid = engine.podman("inspect", name, "--format={{.State.Pid}}")

    def curl(self, *arguments: str) -> str:
        done = subprocess.run(
            ["nsenter", "--target", self.pid, "--net", "curl", "--silent", "--show-error", *arguments],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        return done.stdout + done.stderr

    def status(self) -> dict[str, str]:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.fixture
def running(engine: Engine, image: str, tmp_path: Path) -> Iterator[Running]:
    make_certificates(str(tmp_path / "tls"), ["localhost"], "1d")
    for path in (tmp_path / "tls").iterdir():
        os.chown(path, NOBODY, NOBODY)
    name = f"rke2-lint-test-{os.getpid()}"
    engine.podman(
        "run", "--detach", f"--name={name}", *LIKE_A_POD, f"--volume={tmp_path}/tls:/tls:ro", image,
        "serve", "--tls-mode=files", "--tls-directory=/tls", "--tls-names=localhost", "--drain=1s",
    )  # fmt: skip
    try:
        one = Running(engine, name, tmp_path)
        patience = time.monotonic() + 20
        while one.curl("http://localhost:8080/readyz").strip() != "ok":
            assert time.monotonic() < patience, engine.podman("logs", name)
            time.sleep(0.2)
        yield one
    finally:
        engine.podman("rm", "--force", "--time=0", name)


def test_it_answers_a_review_as_nobody_without_rights_or_a_place_to_write(running: Running) -> None:
    answer = running.curl(
        "--cacert", str(running.folder / "tls/ca.crt"), "--header", "content-type: application/json",
        "--data", f"@{REVIEW}", "https://localhost:8443/mutate",
    )  # fmt: skip
    patch = json.loads(base64.b64decode(json.loads(answer)["response"]["patch"]))
    assert [operation["value"] for operation in patch] == ["IPTABLES_MODE=nft"]
    status = running.status()
    assert status["Uid"].split() == [str(NOBODY)] * 4
    assert status["Gid"].split() == [str(NOBODY)] * 4
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_it_ends_by_itself_when_it_is_told_to(running: Running) -> None:
    running.engine.podman("stop", "--time=20", running.name)
    assert running.engine.podman("inspect", running.name, "--format={{.State.ExitCode}}") == "0"
    assert (
        running.engine.podman("logs", running.name)
        .splitlines()[-1]
        .endswith('"message":"stopped"}')
    )
