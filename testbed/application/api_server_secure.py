"""A small stand-in for the application that the tool deploys: same file names, same habits, no biometrics.

Imitates A0 (a release that never gets healthy), A1 (logs in the working directory), A2 (needs directories of
its own user), A3 to A5 (HTTPS_ONLY, limits), A6 (no /metrics), A7 (headers of its own). Exists so that tests
build and run a real container in seconds and can ask it what it saw. Uvicorn trusts X-Forwarded-* from
FORWARDED_ALLOW_IPS only.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import logging
import math
import os
import socket
import threading
import time
from collections.abc import AsyncIterator

import uvicorn
from src import settings
from src.database import database_of
from src.middleware import HeadersAndAudit, HttpsOnly, client_address, limited
from src.records import Away, Records
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

if settings.BREAK == "import":
    from src import biometrics_moved_elsewhere  # type: ignore[attr-defined]  # noqa: F401

SECRET_WORDS = ("SECRET", "KEY", "PASSWORD", "TOKEN")
LARGEST_ANSWER = 256 * 1024 * 1024
CHUNK = 64 * 1024
settings.refuse_mistakes()
settings.open_logs()
logger = logging.getLogger("api_server_secure")
records = Records(settings.DATA_DIR, settings.RECORD_GAP, database_of(settings.DATABASE_URL))
serial = itertools.count(1)


def number(request: Request, name: str, default: float, most: float) -> float:
    """The query parameter, between 0 and its limit."""
    try:
        value = float(request.query_params.get(name, default))
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise HTTPException(422, f"{name} should be a number")
    return min(max(value, 0.0), most)


async def body_of(request: Request) -> dict[str, object]:
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(422, "the body should be JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(422, "the body should be an object")
    return body


@limited(30)
async def health(request: Request) -> Response:
    if settings.BREAK == "never_healthy":
        return JSONResponse({"status": "starting", "version": settings.VERSION}, 503)
    return JSONResponse({"status": "healthy", "service": "api", "version": settings.VERSION})


@limited(5)
async def login(request: Request) -> Response:
    """A token for the API's key, signed with the JWT key, so that a rotation of either can be seen."""
    given = str((await body_of(request)).get("api_key", ""))
    if not hmac.compare_digest(given.encode(), settings.API_SECRET_KEY.encode()):
        raise HTTPException(401, "Invalid API key")
    until = str(int(time.time()) + settings.JWT_EXPIRATION_HOURS * 3600)
    return JSONResponse({"access_token": f"{until}.{signature(until)}", "token_type": "bearer"})


def signature(text: str) -> str:
    return hmac.new(settings.JWT_SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


async def authorised(request: Request) -> Response:
    """Another answer for each visitor, each time: a cache that mixes visitors up is caught (F25)."""
    header = request.headers.get("authorization", "")
    if not header:
        raise HTTPException(401, "Not authenticated")
    until, _, signed = header.removeprefix("Bearer ").rpartition(".")
    genuine = hmac.compare_digest(signed.encode(), signature(until).encode())
    valid = genuine and int(until) > time.time()
    visitor = hashlib.sha256(header.encode()).hexdigest()[:16]
    return JSONResponse({"visitor": visitor, "valid": valid, "serial": next(serial)})


async def echo_address(request: Request) -> Response:
    return JSONResponse({"address": client_address(request), "scheme": request.url.scheme})


async def instance(request: Request) -> Response:
    """Which container and release answered, and a number that a cached answer repeats."""
    answer = {"container": socket.gethostname(), "version": settings.VERSION, "serial": next(serial)}
    return JSONResponse(answer)


async def shown_settings(request: Request) -> Response:
    """The variables that FIXTURE_SHOW names, except what looks secret; ASCII JSON keeps any byte (F14)."""
    names = [name for name in os.getenv("FIXTURE_SHOW", "").split(",") if name]
    shown = {name: os.getenv(name) for name in names if not any(word in name.upper() for word in SECRET_WORDS)}
    return Response(json.dumps(shown), media_type="application/json")


async def add_record(request: Request) -> Response:
    """Runs as often as asked, and says how often: a POST repeated by a proxy shows as runs = 2 (F21)."""
    body = await body_of(request)
    key = request.headers.get("idempotency-key") or str(body.get("key", ""))
    return JSONResponse(await run_in_threadpool(records.add, key, body.get("value")))


async def count_records(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(records.count, request.query_params.get("key")))


async def check_records(request: Request) -> Response:
    """409 where the stores cannot have existed at one instant."""
    found = await run_in_threadpool(records.check)
    return JSONResponse(found, 200 if found["consistent"] else 409)


async def prove_records(request: Request) -> Response:
    """How often each of many keys ran, in one answer: thousands of questions would take minutes (F21)."""
    keys = (await body_of(request)).get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise HTTPException(422, "keys should be a list of strings")
    return JSONResponse(await run_in_threadpool(records.prove, keys))


async def without_database(request: Request, reason: Exception) -> Response:
    """503 for what needs the database; /health does not: a release is not held against it."""
    logger.error("the database is away: %s", reason)
    return JSONResponse({"detail": "the database is away"}, 503)


async def slow(request: Request) -> Response:
    """Waits, then writes: a request in flight while the release is switched (F21)."""
    seconds = number(request, "seconds", 5, 30)
    await asyncio.sleep(seconds)
    key = request.headers.get("idempotency-key", "slow")
    return JSONResponse(await run_in_threadpool(records.add, key, f"after {seconds:g} s"))


async def poll(request: Request) -> Response:
    seconds = number(request, "seconds", 20, 120)
    await asyncio.sleep(seconds)
    return JSONResponse({"waited": seconds, "version": settings.VERSION})


async def large(request: Request) -> Response:
    size = int(number(request, "bytes", 1_000_000, LARGEST_ANSWER))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, CHUNK):
            yield b"x" * min(CHUNK, size - start)

    return StreamingResponse(chunks(), headers={"Content-Length": str(size)}, media_type="application/octet-stream")


async def fail(request: Request) -> Response:
    """A bug (500), or ?how=cut: a body that ends too early, or ?how=close: hangs up without one byte."""
    how = request.query_params.get("how", "error")
    if how == "cut":
        return StreamingResponse(iter([b"only the beginning"]), headers={"Content-Length": "1000"})
    if how == "close":
        # The only way to the socket: `receive` is a method of uvicorn's request, which holds the transport.
        request.receive.__self__.transport.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        return Response()
    raise RuntimeError("failed as asked")


async def echo_socket(socket_: WebSocket) -> None:
    await socket_.accept()
    async for text in socket_.iter_text():
        await socket_.send_text(text)


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/api/login", login, methods=["POST"]),
        Route("/api/authorised", authorised),
        Route("/api/echo-address", echo_address),
        Route("/api/instance", instance),
        Route("/api/settings", shown_settings),
        Route("/api/records", add_record, methods=["POST"]),
        Route("/api/records/count", count_records),
        Route("/api/records/check", check_records),
        Route("/api/records/prove", prove_records, methods=["POST"]),
        Route("/api/slow", slow, methods=["POST"]),
        Route("/api/poll", poll),
        Route("/api/large", large),
        Route("/api/fail", fail),
        WebSocketRoute("/api/ws", echo_socket),
    ],
    exception_handlers={Away: without_database},
    middleware=[
        Middleware(HttpsOnly),
        Middleware(HeadersAndAudit),
        Middleware(
            CORSMiddleware,
            allow_origins=settings.CORS_ORIGINS,
            allow_credentials=True,
            allow_methods=["GET", "POST", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID"],
        ),
    ],
)

if __name__ == "__main__":
    logger.info("Starting release %s; HTTPS only: %s", settings.VERSION, settings.HTTPS_ONLY)
    logger.info("Rate limiting: %s; CORS origins: %s", settings.RATE_LIMIT_ENABLED, settings.CORS_ORIGINS)
    if settings.BREAK == "crash_after":
        threading.Timer(5, os._exit, [3]).start()
    uvicorn.run(app, host=os.getenv("HOST", "0.0.0.0"), port=int(os.getenv("PORT", "8000")), proxy_headers=True)
