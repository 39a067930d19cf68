"""Probes: what kubelet, Prometheus and people ask, on a plain port of its own."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import NamedTuple

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from rke2_policies.fingerprint import fingerprint

Reasons = Callable[[], list[str]]
"""Why not, each reason a line; nothing where all is well."""


class Health(NamedTuple):
    """The three questions of kubelet, and what is worth knowing besides."""

    alive: Reasons
    started: Reasons
    ready: Reasons
    notes: Reasons


def create_probes(health: Health, page: Callable[[], tuple[bytes, str]], version: str) -> FastAPI:
    """Return the application of the probe port; `page` is the text for Prometheus, and its type."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    build = {"version": version, "rules": fingerprint(), "python": platform.python_version()}

    async def livez(_: Request) -> Response:
        return _verdict(health.alive(), [])

    async def startupz(_: Request) -> Response:
        return _verdict(health.started(), [])

    async def readyz(_: Request) -> Response:
        return _verdict(health.ready(), health.notes())

    async def show_version(_: Request) -> Response:
        return JSONResponse(build)

    async def show_metrics(_: Request) -> Response:
        content, kind = page()
        return Response(content, headers={"content-type": kind})

    for path, endpoint in (
        ("/livez", livez),
        ("/readyz", readyz),
        ("/startupz", startupz),
        ("/version", show_version),
        ("/metrics", show_metrics),
    ):
        app.add_route(path, endpoint, methods=["GET"])
    return app


def _verdict(reasons: list[str], notes: list[str]) -> Response:
    lines = [f"not ok: {reason}" for reason in reasons] or ["ok"]
    lines += [f"note: {note}" for note in notes]
    return PlainTextResponse("\n".join(lines) + "\n", status_code=503 if reasons else 200)
