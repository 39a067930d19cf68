"""`rke2-lint verify`: live clusters, over their API. What it needs is in the extra `cluster`."""
