"""Reporters: an outcome in, text out. One format a file, imported when it is asked for.

This is the list of them, which the command line, its help and the documents go by.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` costs as much as a quarter of Python's own start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rke2_lint.health.told import Told
    from rke2_lint.outcome import Outcome
    from rke2_lint.paint import Paint


class Format:
    """One format: what it is for, where it is written, and what it wants to be told."""

    __slots__ = (
        "about", "always", "machines", "module", "name", "package", "painted", "pictures", "suggestions",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        about: str,
        *,
        module: str = "",
        package: str = "rke2_lint.reporters",
        painted: bool = False,
        pictures: bool = False,
        suggestions: bool = False,
        machines: bool = False,
        always: bool = True,
    ) -> None:
        self.name = name
        self.about = about
        """What it is for, in one line."""
        self.module = module or name
        """The module of the package that has its `render`."""
        self.package = package
        self.painted = painted
        """It is for people in front of a terminal: `render` takes a Paint, too."""
        self.pictures = pictures
        """It shows lines of source and of fixes (`Options.pictures`)."""
        self.suggestions = suggestions
        """It tells fixes as whole lines (`Options.suggestions`)."""
        self.machines = machines
        """It tells what each machine runs with (`Options.machines`)."""
        self.always = always
        """It has something to say where there is nothing to say."""

    def render(self, outcome: Outcome | Told, paint: Paint) -> str:
        """Return the report; of an outcome, or of nodes where it is one of the health's formats."""
        module = __import__(f"{self.package}.{self.module}", fromlist=["render"])
        if not self.painted:
            return str(module.render(outcome))
        from rke2_lint.paint import without_commands

        return without_commands(module.render(outcome, paint))


FORMATS = (
    Format(
        "full", "for people: the lines, why it matters, and the fix as a small diff",
        painted=True, pictures=True, always=False,
    ),
    Format(
        "concise", "one line a finding, as compilers write them",
        painted=True, always=False,
    ),
    Format(
        "grouped", "the findings of each file below its name",
        painted=True, always=False,
    ),
    Format("json", "all there is, as one JSON document", module="json_"),
    Format("jsonl", "each finding as JSON, on a line of its own", always=False),
    Format("sarif", "SARIF 2.1.0 for code scanning, with the fixes", pictures=True),
    Format("github", "annotations of a GitHub workflow, and a summary of its job", always=False),
    Format("gitlab", "a Code Quality report for GitLab"),
    Format("junit", "JUnit's XML, for whatever shows the results of tests"),
    Format("azure", "logging commands of Azure Pipelines", always=False),
    Format(
        "rdjsonl", "reviewdog's JSON, with the fixes as suggestions",
        suggestions=True, always=False,
    ),
    Format("markdown", "a comment on a pull request or merge request", pictures=True),
    Format(
        "html", "one page to look at: clusters, machines, findings, fixes, with filters",
        pictures=True, machines=True,
    ),
    Format(
        "github-suggestions", "a review of a pull request for GitHub's API, with the fixes to click on",
        module="github_suggestions", suggestions=True,
    ),
)  # fmt: skip
"""All formats, in the order in which they are listed. The first one is the default."""


def format_named(name: str, formats: Iterable[Format] = FORMATS) -> Format | None:
    """Return the format of this name."""
    return next((one for one in formats if one.name == name), None)
