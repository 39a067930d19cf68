"""What is asked for on the command line, with what holds where nothing is said."""

from __future__ import annotations

from collections.abc import Sequence


class Asked:
    """The arguments of a command; argparse fills it in as its namespace."""

    def __init__(self) -> None:
        self.paths: Sequence[str] = ()
        """Files and folders; of `rule`, the names of rules."""
        self.stdin_filename: str | None = None
        self.kind: str | None = None
        self.config: str | None = None
        self.isolated = False
        self.exclude: list[str] = []
        self.force_exclude = False
        self.since: str | None = None
        self.schema = False
        self.fix = False
        self.diff = False
        self.unsafe_fixes = False
        self.exit_non_zero_on_fix = False
        self.add_ignores: str | None = None
        self.no_ignores = False
        self.baseline: str | None = None
        self.write_baseline = False
        self.select: list[str] = []
        self.ignore: list[str] = []
        self.output_format = ""
        """Of commands that print one thing."""
        self.output_formats: list[str] = []
        """Of `check`: `FORMAT` or `FORMAT=FILE`."""
        self.kubeconfigs: list[str] = []
        self.contexts: list[str] = []
        self.all_contexts = False
        self.exec = False
        self.jobs = 10
        self.request_timeout = 30.0
        self.timeout: float | None = None
        self.resume: str | None = None
        self.statistics = False
        self.exit_zero = False
        self.no_color = False
        self.quiet = False
        self.verbose = False
