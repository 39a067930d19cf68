"""Fingerprints: what tells a finding from all others, and stays when lines move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from rke2_lint.remarks import Remark
from rke2_lint.repository_paths import RepositoryPaths


def fingerprints(remarks: Iterable[Remark]) -> list[str]:
    """Return the fingerprint of each finding: of its rule, its file, its object and its place there.

    Findings of one rule at one place are told apart by their order.
    """
    known = RepositoryPaths()
    return digests(
        f"{one.rule}\0{known(one.path)}\0{one.object or one.document}\0{one.pointer}"
        for one in remarks
    )


def digests(bases: Iterable[str]) -> list[str]:
    """Return a digest of each text; those that are alike are told apart by their order."""
    seen: dict[str, int] = {}
    made = []
    for base in bases:
        seen[base] = nth = seen.get(base, 0) + 1
        written = f"{base}\0{nth}".encode(errors="surrogatepass")
        made.append(hashlib.sha256(written).hexdigest())
    return made
