from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# pytest's importlib mode puts no folder on the path; the tests here share `serving` and others.
sys.path.insert(0, str(Path(__file__).parent))

from memory_cluster import MemoryCluster
from serving import Certificates, Running, Starter


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA and a pair for localhost, in a directory as mode `files` wants it."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start(certificates: Certificates) -> Iterator[Starter]:
    """Start servers, each in a thread of its own; all are stopped after the test."""
    with Starter(certificates) as starter:
        yield starter


@pytest.fixture(scope="module")
def served(certificates: Certificates) -> Iterator[Running]:
    """One server with the defaults, for tests that change nothing and count nothing."""
    with Starter(certificates) as starter:
        yield starter()


@pytest.fixture
def cluster() -> Iterator[MemoryCluster]:
    """An API server in memory, with an empty Secret and two webhook configurations."""
    with MemoryCluster() as running:
        yield running
