"""HTTPS redirect, security headers, audit line and rate limit. Imitates A1, A3, A4, A5 and A7.

Order as in the real application: the redirect is outermost, so a 301 carries neither the security headers nor
CORS, and a 500 out of a bug carries none of them either: only the proxy can give every response its headers.
"""

import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src import settings

WINDOW = 60.0
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'self'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
audit_logger = logging.getLogger("audit")

Endpoint = Callable[[Request], Awaitable[Response]]


class HttpsOnly:
    """301 for every request whose scheme is http, /health included (A3, A5)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and settings.HTTPS_ONLY and scope["scheme"] != "https":
            target = str(Request(scope).url.replace(scheme="https"))
            refusal = JSONResponse({"detail": "HTTPS required"}, 301, {"Location": target})
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class HeadersAndAudit:
    """The application's own six headers (A7); one audit line a POST, written before the answer goes (A1)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        request_id = request.headers.get("x-request-id") or secrets.token_hex(16)

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**HEADERS, "X-Request-ID": request_id})
                audit(request, request_id, message["status"])
            await send(message)

        await self.app(scope, receive, finish)


def audit(request: Request, request_id: str, status: int) -> None:
    if request.method != "POST" or not settings.AUDIT_LOG_ENABLED:
        return
    line = {
        "event": request.url.path,
        "id": request_id,
        "key": request.headers.get("idempotency-key", ""),
        "address": client_address(request),
        "status": status,
    }
    audit_logger.info(json.dumps(line))


def client_address(request: Request) -> str:
    """As uvicorn sees it: the proxy's, unless FORWARDED_ALLOW_IPS names the proxy (A3)."""
    return request.client.host if request.client else ""


def limited(per_minute: int) -> Callable[[Endpoint], Endpoint]:
    """At most so many calls a minute from one client address, in a window opened by the first (A4)."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        windows: dict[str, tuple[float, int]] = {}

        async def guarded(request: Request) -> Response:
            address, now = client_address(request), time.monotonic()
            opened, calls = windows.get(address, (now, 0))
            if now - opened >= WINDOW:
                opened, calls = now, 0
            windows[address] = (opened, calls + 1)
            if settings.RATE_LIMIT_ENABLED and calls >= per_minute:
                return JSONResponse({"error": f"Rate limit exceeded: {per_minute} per 1 minute"}, 429)
            return await endpoint(request)

        return guarded

    return decorate
