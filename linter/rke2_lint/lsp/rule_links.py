"""Where the page of a rule is to be read: in the module that asks it, whose head the page is.

It is there wherever the server runs, without a network, and always of the version at work.
"""

from __future__ import annotations

import os
from functools import cache

from rke2_lint.lsp.addresses import uri_of
from rke2_policies import catalog, rules


@cache
def link_of(rule: str) -> str | None:
    """Return the URI of a rule's page; None where there is none, as in a zipped installation."""
    if rule not in catalog.names():
        return None
    folder = os.path.abspath(next(iter(rules.__path__))).replace(os.sep, "/")
    path = f"{folder}/{rule.replace('-', '_')}.py"
    return uri_of(path) if os.path.isfile(path) else None
