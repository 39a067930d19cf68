"""Kubernetes versions as Rancher writes them: `v1.33.4+rke2r1`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from rke2_policies.lazy_pattern import lazily

_SHAPE = lazily(
    r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:-((?:rc|alpha|beta)[0-9A-Za-z.-]*))?"
    r"(?:[+-](rke2|k3s)(?:-?(?:rc|alpha|beta)[0-9.]*)?(?:r?(\d{1,4}))?[0-9A-Za-z.+-]*)?"
)


class Version(NamedTuple):
    """A version that could be read. Compare with `at_least`."""

    major: int
    minor: int
    patch: int
    revision: int
    runtime: str
    """`rke2` or `k3s`; "" where the text does not say."""
    prerelease: bool

    def at_least(self, minor: int, patch: int = 0, revision: int = 0) -> bool:
        """Return whether this is v1.`minor`.`patch`+rke2r`revision` or later."""
        here = (self.major, self.minor, self.patch, self.revision)
        return here >= (1, minor, patch, revision)


# As many as a fleet uses: what is remembered of others' texts has an end.
@lru_cache(maxsize=256)
def parse(text: str) -> Version | None:
    """Read a version; None where it is none. A dash for the plus, a common slip, is understood."""
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        return None
    major, minor, patch, pre, runtime, revision = found.groups()
    prerelease = bool(pre) or bool(re.search(r"rc|alpha|beta", text))
    return Version(
        int(major), int(minor), int(patch), int(revision or 0), runtime or "", prerelease
    )
