"""The allocator: memory that large bodies took goes back to the system with them.

glibc raises its threshold for mappings of their own with every large block that is freed, up to
32 MiB, and puts later ones into its heaps, where what is small and lives on keeps them from being
given back: a flood of bodies of 7 MiB left the process with 170 MiB for good, and now with 110. A
threshold that is set stays where it is. One arena is enough for the two threads that allocate.
"""

from __future__ import annotations

import ctypes

# glibc's malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Below the 256 KiB that uvloop takes for each connection, and above all that a usual request needs:
# a mapping for every request would double its cost.
_LARGE = 128 * 1024
# What stays for the next request; giving that back, too, would cost as much.
_SPARE = 4 * 1024 * 1024


def give_back_early() -> bool:
    """Set glibc's thresholds for good. Return False where there is another allocator."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    settings = ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _SPARE))
    return all(mallopt(option, value) == 1 for option, value in settings)
