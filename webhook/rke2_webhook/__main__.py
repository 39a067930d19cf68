"""The command `rke2-webhook`, also as `python -m rke2_webhook`."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> int:
    """Say what is missing. Return 2, as for any other wrong use."""
    if any(find_spec(module) is None for module in ("fastapi", "uvicorn")):
        message = 'rke2-webhook needs its server packages: pip install "rke2-lint[webhook]"'
    else:
        message = "rke2-webhook: this version has no server yet; the linter is `rke2-lint`"
    sys.stderr.write(message + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
