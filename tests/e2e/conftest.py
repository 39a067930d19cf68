from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

# pytest's importlib mode puts no folder on the path; the tests here share `kube`.
sys.path.insert(0, str(Path(__file__).parent))

import kube as real

HERE = Path(__file__).parent
MINIMAL = HERE / "crd-minimal.yaml"
RANCHERS = HERE.parents[1].parent / "shared" / "data" / "crd-provisioning-clusters.yaml"


@pytest.fixture(scope="session")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[real.Kube]:
    """A real API server with Rancher's namespaces and its Cluster, for the whole run.

    Without binaries the tests are skipped; with RKE2_LINT_E2E=required they fail.
    """
    folder = real.binaries_folder()
    if missing := real.missing_binaries(folder):
        reason = f"no {' and no '.join(missing)} in {folder}: `make e2e-assets` puts them there"
        if os.environ.get("RKE2_LINT_E2E") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with real.running(folder, tmp_path_factory.mktemp("kube")) as running:
        crd = RANCHERS if RANCHERS.exists() else MINIMAL
        running.define(yaml.safe_load(crd.read_text()))
        yield running


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def new_name(_numbers: Iterator[int]) -> Callable[[], str]:
    """Names that no other object of this run has."""
    return lambda: f"c{next(_numbers)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the API server had to say."""
    report = yield
    running = getattr(item, "funcargs", {}).get("kube")
    if report.failed and running is not None:
        # With every new kind of object one connection to etcd is given up and said so at length.
        said = real.tail(running.log, without="grpc: addrConn.createTransport")
        report.sections.append((f"end of {running.log}", said))
    return report
