"""The outcome of a run, or of a part of one that another process did."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` costs as much as a quarter of Python's own start
if TYPE_CHECKING:
    from rke2_lint.files import File
    from rke2_lint.remarks import MachineRow, Outside, Patch, Remark, Suppressed


class Outcome:
    """Everything there is to report. Lists are in no order before `sort`."""

    __slots__ = (
        "changed", "documents", "doubtful", "exemptions",
        "files", "fixed_stdin", "fixes", "ignored", "kinds", "machines", "notes", "outside",
        "patches", "remarks", "rows", "suppressed", "unpatched", "unreadable", "waiting", "warnings",
    )  # fmt: skip

    def __init__(self) -> None:
        self.remarks: list[Remark] = []
        self.suppressed: list[Suppressed] = []
        """Findings that do not count, because somebody has accepted them."""
        self.exemptions: list[tuple[str, str]] = []
        """What policies exempt, in words, and why it does nothing; "" where it takes a finding out."""
        self.outside: list[Outside] = []
        self.machines = 0
        """Machines of RKE2, also where the pin means nothing for them; other Clusters count none."""
        self.doubtful = 0
        """Documents that were left alone because it is not clear what they are."""
        self.rows: list[MachineRow] = []
        """What each machine runs with, where that was asked for."""
        self.kinds: list[tuple[str, str]] = []
        """What paths were taken for, and why."""
        self.patches: list[Patch] = []
        self.unpatched = 0
        """Files whose fixes cannot be told as a patch."""
        self.changed: list[str] = []
        self.fixes = 0
        self.ignored = 0
        """Findings for which an ignore was written."""
        self.fixed_stdin: bytes | None = None
        self.files = 0
        self.documents = 0
        self.unreadable: list[str] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []
        """What `--verbose` says, too."""
        self.waiting: list[list[File]] = []
        """Files that can only be understood when all others have been looked at."""

    def add(self, other: Outcome) -> None:
        """Take in what another process found."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, list | int):
                setattr(self, name, mine + theirs)
            elif mine is None:
                setattr(self, name, theirs)

    def sort(self) -> None:
        """Put everything in the order in which it is told, once each."""
        self.remarks = sorted(
            dict.fromkeys(self.remarks),
            key=lambda one: (one.path, one.region, one.rule, one.message),
        )
        self.suppressed = sorted(
            dict.fromkeys(self.suppressed),
            key=lambda one: (one.remark.path, one.remark.region, one.remark.rule, one.reason),
        )
        self.outside = sorted(dict.fromkeys(self.outside))
        self.rows.sort(key=lambda row: (row.path, row.document))
        self.kinds = sorted(dict.fromkeys(self.kinds))
        self.patches.sort()
        for lines in (self.changed, self.unreadable, self.warnings, self.notes):
            lines[:] = sorted(dict.fromkeys(lines))

    def count(self, severity: str) -> int:
        """Return how many findings are of a severity."""
        return sum(one.severity == severity for one in self.remarks)
