"""Logging commands for Azure Pipelines: errors and warnings of a build, with their places.

https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands#logissue-log-an-error-or-warning
Escaping as its task library undoes it (microsoft/azure-pipelines-task-lib node/taskcommand.ts).
"""

from __future__ import annotations

from rke2_lint.outcome import Outcome
from rke2_lint.paint import harmless, without_commands
from rke2_lint.remarks import Remark
from rke2_lint.repository_paths import RepositoryPaths


def render(outcome: Outcome) -> str:
    """Return a command for each error and warning; Azure knows no notes, so these are plain lines."""
    known = RepositoryPaths()
    return "".join(_line(one, known(one.path)) for one in outcome.remarks)


def _line(one: Remark, path: str) -> str:
    region = one.region
    if one.severity == "note":
        where = f"{harmless(path)}:{region.line}:{region.column}"
        return without_commands(f"note: {where}: {harmless(one.message)} ({one.rule})\n")
    properties = {
        "type": one.severity,
        "sourcepath": path,
        "linenumber": str(region.line),
        "columnnumber": str(region.column),
        "code": one.rule,
    }
    written = "".join(f"{name}={_property(value)};" for name, value in properties.items())
    return f"##vso[task.logissue {written}]{_data(one.message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace("]", "%5D").replace(";", "%3B")
