"""The frame of a page: one file that needs no other, and in which nothing runs but its own script.

Style and script stand beside this module. The page's policy names them by their hashes (W3C Content
Security Policy Level 3, 2.3.1): what anybody manages to write into the page is text, and stays it.
"""

from __future__ import annotations

import base64
import hashlib
import pkgutil

from rke2_lint.page.escape import text


def framed(
    title: str, body: str, *, description: str, style: str = "", unscripted_style: str = ""
) -> str:
    """Return the page. `body` is HTML, the styles are added to the page's own."""
    style = f"\n{_beside('page.css')}{style}"
    unscripted_style = f"\n{unscripted_style}"
    script = f"\n{_beside('page.js')}"
    policy = (
        "default-src 'none'; "
        f"style-src {_hash(style)} {_hash(unscripted_style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="description" content="{text(description)}">
<title>{text(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
<noscript><style>{unscripted_style}</style></noscript>
</head>
<body>
{body}<script>{script}</script>
</body>
</html>
"""


def _beside(name: str) -> str:
    data = pkgutil.get_data(__package__, name)
    assert data is not None  # noqa: S101 - it is part of the package
    # However a checkout ends its lines, browsers hash them with line feeds.
    return data.decode("ascii").replace("\r\n", "\n")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("ascii")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
