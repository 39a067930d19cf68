"""The image of the webhook, built by buildah and run by podman, as `make image-test` gets them ready."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for its modules beside it

from container_engine import ROOT, TOLD, Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    named = os.environ.get("RKE2_LINT_IMAGE_ASSETS")
    assets = Path(named) if named else Path(home, "rke2-lint-image")
    missing = [each for each in ("buildah", "podman", "runc") if shutil.which(each) is None]
    if missing or not (assets / "base").exists():
        said = f"no {', '.join(missing) or 'base image'} here: `make image-assets` gets it"
        if os.environ.get("RKE2_LINT_IMAGE") == "required":
            pytest.fail(said)
        pytest.skip(said)
    return Engine(assets)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source, which stays as it is while somebody works on it."""
    copy = tmp_path_factory.mktemp("source")
    for line in (ROOT / "webhook/Dockerfile.dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            taken = shutil.copytree if source.is_dir() else shutil.copyfile
            taken(source, copy / line[1:])
    return copy


@pytest.fixture(scope="session")
def image(engine: Engine, context: Path) -> str:
    """Build the image, and return its name."""
    name = "rke2-lint-test/webhook"
    engine.build(name, context, *TOLD)
    return name


@pytest.fixture(scope="session")
def files(engine: Engine, image: str) -> Iterator[Path]:
    """The image's files."""
    with engine.mounted(image) as folder:
        yield folder
