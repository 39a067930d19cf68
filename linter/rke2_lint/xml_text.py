"""Text as it may stand in XML: without what XML does not allow, and with nothing that is markup."""

from __future__ import annotations

from rke2_lint.paint import harmless


def attributes(**values: str | int) -> str:
    """Return attributes, each with a blank before it."""
    return "".join(f' {name}="{text(str(value))}"' for name, value in values.items())


def text(said: str) -> str:
    """Return text as it may stand in XML, in an attribute, too."""
    plain = harmless(said).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    for character, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        plain = plain.replace(character, written)
    return plain
