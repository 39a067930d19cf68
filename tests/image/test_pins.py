"""Are the pins of the image what `make pins` would write? It asks PyPI, as the image's build does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from container_engine import ROOT

PINS = ("requirements.txt", "build-requirements.txt")


@pytest.fixture
def uv() -> str:
    found = shutil.which("uv", path=str(Path(sys.executable).parent))
    if os.environ.get("RKE2_LINT_IMAGE") != "required":
        pytest.skip("it asks PyPI: `make image-test` lets it")
    assert found is not None, "the extra `dev` installs uv"
    return found


def test_pins_are_what_would_be_pinned(uv: str, tmp_path: Path) -> None:
    """What is pinned already stays, so that newer versions on PyPI change nothing here."""
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in ("webhook", "linter"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "uv").symlink_to(uv)
    (programs / "python").symlink_to(sys.executable)
    (tmp_path / ".venv/.dev").touch()
    subprocess.run(["make", "pins"], cwd=tmp_path, check=True, capture_output=True, text=True)
    for name in PINS:
        assert (tmp_path / "webhook" / name).read_text() == (ROOT / "webhook" / name).read_text()


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_every_pin_has_a_wheel(uv: str, processor: str, tmp_path: Path) -> None:
    """Nothing is compiled when the image is built, on neither processor that it is built for."""
    base = re.search(r"debian:(\w+)-slim", (ROOT / "webhook/Dockerfile").read_text())
    assert base is not None
    assert base[1] == "trixie", "its Python is 3.13; another one's has to be named below"
    done = subprocess.run(
        [
            uv, "pip", "install", "--dry-run", "--no-config", "--python-version", "3.13",
            "--python-platform", f"{processor}-unknown-linux-gnu", "--only-binary", ":all:",
            "--require-hashes", "--no-deps", "--target", tmp_path,
            "--requirement", ROOT / "webhook/requirements.txt",
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
