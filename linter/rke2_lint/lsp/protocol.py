"""The protocol, where pygls' own does not fit: open documents, and messages that are wrong."""

from __future__ import annotations

from typing import Any

from lsprotocol.types import ResponseError
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import LanguageServerProtocol


class Protocol(LanguageServerProtocol):
    """LSP over one connection."""

    # pygls ends lines where LSP does not (form feed, U+2028), so open documents are kept by us:
    # `desk.py`. Its own handlers are not registered where there is nothing to call.
    lsp_text_document__did_open = None  # type: ignore[assignment]
    lsp_text_document__did_change = None  # type: ignore[assignment]
    lsp_text_document__did_close = None  # type: ignore[assignment]

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a message. A question that cannot be read gets an answer, so that nobody waits."""
        try:
            return super().structure_message(data)
        except JsonRpcException:
            if "id" in data and "method" in data:
                wrong = JsonRpcInvalidParams
                self._send_response(data["id"], error=ResponseError(wrong.CODE, wrong.MESSAGE))
            raise
