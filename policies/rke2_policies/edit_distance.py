"""Edit distance: how many slips lie between what was written and what exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache


@lru_cache(maxsize=16384)
def distance(one: str, other: str) -> int:
    """Return the number of insertions, deletions, replacements and swaps of neighbours."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def nearest(written: str, names: Iterable[str]) -> str | None:
    """Return the existing name that was probably meant; None where none is near.

    Case, `_` and `-` are no difference here: who writes them wrong means the same name.
    """
    plain = _plain(written)
    best: tuple[int, str] | None = None
    for name in names:
        if abs(len(name) - len(plain)) > 3:
            continue
        found = distance(plain, _plain(name))
        if best is None or found < best[0]:
            best = (found, name)
    # A short name has little room for slips before it is another name.
    if best is None or best[0] > min(3, max(1, len(plain) // 4)):
        return None
    return best[1]


def meant(written: str, names: Collection[str]) -> str | None:
    """Return the existing name that was probably meant: the only one with its words, or the nearest.

    So `missing-pin` means `missing-nft-pin`: a word may be cut off, or left out, but for the first.
    """
    first, *others = _plain(written).split("-")
    with_these = [
        name
        for name in names
        if _plain(name).startswith(first) and _has(_plain(name).split("-")[1:], others)
    ]
    return with_these[0] if len(with_these) == 1 else nearest(written, names)


def _has(there: list[str], words: list[str]) -> bool:
    """Return whether words begin with others, in their order."""
    left = iter(there)
    return all(any(one.startswith(word) for one in left) for word in words)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
