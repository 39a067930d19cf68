"""`python -m rke2_lint`."""

import sys

from rke2_lint.cli import main

sys.exit(main())
