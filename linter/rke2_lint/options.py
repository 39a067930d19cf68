"""What people ask for on the command line, as far as the work on files is concerned."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` costs as much as a quarter of Python's own start
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rke2_lint.baseline_file import Baseline
    from rke2_lint.files import Lookup


class Options:
    """The options of a run."""

    __slots__ = (
        "add_ignores", "baseline", "fix", "ignore", "ignores", "kind", "lookup", "machines", "pictures", "select",
        "suggestions", "unsafe", "write",
    )  # fmt: skip

    def __init__(
        self,
        *,
        kind: str | None = None,
        select: Sequence[str] = (),
        ignore: Sequence[str] = (),
        fix: bool = False,
        write: bool = False,
        unsafe: bool = False,
        pictures: bool = False,
        suggestions: bool = False,
        machines: bool = False,
        lookup: Lookup | None = None,
        ignores: bool = True,
        add_ignores: str = "",
        baseline: Baseline | None = None,
    ) -> None:
        self.kind = kind
        """What the files are, whatever they look like."""
        self.select = select
        self.ignore = ignore
        self.fix = fix
        """Make the fixes, at least in memory."""
        self.write = write
        """Write the fixed files."""
        self.unsafe = unsafe
        """Make unsafe fixes, too."""
        self.pictures = pictures
        """Show lines of source and of fixes."""
        self.suggestions = suggestions
        """Tell fixes as whole lines, too, as reviews take them."""
        self.machines = machines
        """Tell what each machine runs with."""
        self.lookup = lookup
        """Where the policy of each file is found; None where the default is in force for all."""
        self.ignores = ignores
        """Hear comments and annotations that accept findings."""
        self.add_ignores = add_ignores
        """Write comments that accept what is found, for this reason."""
        self.baseline = baseline
        """What was there before, and does not count."""
