"""Addresses: the URIs by which editors call files, and the paths by which all others do.

What is no file on this machine keeps its URI, in plain characters, as its path: it is looked at by
itself and among what else is open, and nothing of it is looked up on the disk.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote, unquote_to_bytes

_IS_WINDOWS = os.name == "nt"
_FILE = re.compile(r"(?is)file:(?://(?P<host>[^/?#]*))?(?P<path>/[^?#]*)")
_DRIVE = re.compile(r"(?s)/?(?P<letter>[A-Za-z]):(?P<rest>/.*)")
_SAFE = "/!$&'()*+,;=:@~"
"""Characters that stand for themselves in the path of a URI (RFC 3986, section 3.3)."""


def path_of(uri: str, *, windows: bool = _IS_WINDOWS) -> str:
    """Return the path of a file, with `/` on every system; of what is no file here, its URI."""
    found = _FILE.fullmatch(re.split("[?#]", uri, maxsplit=1)[0])
    if found is None:
        return unquote(uri)
    host = found["host"] or ""
    path = unquote_to_bytes(found["path"]).decode("utf-8", "surrogateescape")
    if "\0" in path:
        return unquote(uri)
    if not windows:
        return path if host in ("", "localhost") else unquote(uri)
    if host not in ("", "localhost"):
        return f"//{unquote(host)}{path}"
    drive = _DRIVE.fullmatch(path)
    # Editors write c: and C: for one drive, and what is open is found by its path.
    return f"{drive['letter'].lower()}:{drive['rest']}" if drive else path


def uri_of(path: str, *, windows: bool = _IS_WINDOWS) -> str:
    """Return the URI of a path that `path_of` has made, or that lies beside one."""
    if not is_on_disk(path, windows=windows):
        return quote(path, safe=f"{_SAFE}?#%")
    quoted = quote(path.encode("utf-8", "surrogateescape"), safe=_SAFE)
    if not windows:
        return f"file://{quoted}"
    if path.startswith("//"):
        return f"file:{quoted}"
    drive = _DRIVE.fullmatch(path)
    return f"file:///{drive['letter']}%3A{quoted[2:]}" if drive else f"file://{quoted}"


def is_on_disk(path: str, *, windows: bool = _IS_WINDOWS) -> bool:
    """Tell whether a path leads to a file on this machine."""
    if windows and _DRIVE.fullmatch(path) and path[0] != "/":
        return True
    return path.startswith("/")
