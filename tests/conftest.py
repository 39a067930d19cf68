"""What all tests share: the option that writes expected outputs anew."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write the expected outputs in tests/golden anew; read the diff before you commit it",
    )
