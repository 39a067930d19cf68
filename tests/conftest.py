"""What all tests share: the option that writes expected outputs anew."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes to be thought up says more about the machine than about the project. In CI
# the examples are the same at every run: new ones are for those who can look at them.
settings.register_profile(
    "project",
    suppress_health_check=[
        HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large,
    ],
    derandomize=bool(os.environ.get("CI")),
)  # fmt: skip
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write the expected outputs in tests/golden anew; read the diff before you commit it",
    )
