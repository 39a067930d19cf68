"""The floor: the smallest ASGI application that answers a review, on uvicorn with uvloop."""

from __future__ import annotations

import ssl
import sys
from typing import Any

import orjson
import uvicorn
from constant import answer


async def app(_: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answered = orjson.dumps(answer(orjson.loads(body)))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answered))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answered})


def tls(*_: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(f"{sys.argv[2]}/tls.crt", f"{sys.argv[2]}/tls.key")
    return context


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        ssl_context_factory=tls,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
