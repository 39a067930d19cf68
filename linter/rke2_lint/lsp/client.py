"""The client: what the editor at the other end can do, as far as we would make use of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from lsprotocol.types import ClientCapabilities, MarkupKind, PositionEncodingKind
from pygls.capabilities import ServerCapabilitiesBuilder, get_capability


class Client(NamedTuple):
    """What an editor can do. Without word of it, little is taken for granted."""

    encoding: str = PositionEncodingKind.Utf16.value
    """In which units it counts the characters of a line."""
    pulls: bool = False
    """It asks for diagnostics, and is not sent them."""
    takes_related: bool = False
    """It takes diagnostics of other documents with those it asked for."""
    refreshes_diagnostics: bool = False
    refreshes_lenses: bool = False
    shows_related: bool = False
    shows_tags: bool = False
    shows_markdown: bool = False
    shows_documents: bool = False
    """It opens a document where it is told to."""
    takes_versions: bool = False
    """An edit may say which version of a document it is for."""
    takes_disabled: bool = False
    """An action may say why it cannot be done."""
    watches: bool = False
    """It tells of files that change on the disk, if it is asked to."""

    @classmethod
    def of(cls, capabilities: ClientCapabilities) -> Client:
        """Read what an editor says of itself."""

        def can(name: str) -> bool:
            return bool(get_capability(capabilities, name))

        def given(name: str) -> Any:
            return get_capability(capabilities, name)

        encoding = ServerCapabilitiesBuilder.choose_position_encoding(capabilities)
        hover = given("text_document.hover.content_format") or ()
        return cls(
            encoding=getattr(encoding, "value", encoding),
            pulls=given("text_document.diagnostic") is not None,
            takes_related=can("text_document.diagnostic.related_document_support"),
            refreshes_diagnostics=can("workspace.diagnostics.refresh_support"),
            refreshes_lenses=can("workspace.code_lens.refresh_support"),
            shows_related=can("text_document.publish_diagnostics.related_information")
            or can("text_document.diagnostic.related_information"),
            shows_tags=given("text_document.publish_diagnostics.tag_support") is not None
            or given("text_document.diagnostic.tag_support") is not None,
            shows_markdown=MarkupKind.Markdown in hover,
            shows_documents=can("window.show_document.support"),
            takes_versions=can("workspace.workspace_edit.document_changes"),
            takes_disabled=can("text_document.code_action.disabled_support"),
            watches=can("workspace.did_change_watched_files.dynamic_registration"),
        )
