"""How nodes are: what a diagnosis comes to, as text, JSON, JUnit and HTML. Both live doors tell it here."""

from __future__ import annotations

from rke2_lint.reporters import Format

_HERE = "rke2_lint.health"
FORMATS = (
    Format("text", "for people: a table of the nodes, and what to do", package=_HERE, painted=True),
    Format("json", "all there is, as one JSON document", module="json_", package=_HERE),
    Format("html", "one page to look at, with filters", package=_HERE),
    Format("junit", "JUnit's XML: a suite a node", package=_HERE),
)
"""All formats, in the order in which they are listed. The first one is the default."""
