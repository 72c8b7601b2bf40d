"""One form for every error: ``{"error": sentence}``, whoever found it."""

import errno
import logging
from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isa_engine.client import words

log = logging.getLogger(__name__)


class Refusal(BaseModel):
    """Why there is no answer, as a sentence."""

    error: str


class OneForm:
    """ASGI middleware: errors that the web framework answers in its own words get the form, too."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: JSONResponse | None = None

        async def formed(message: Message) -> None:
            nonlocal answer
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                if message["status"] >= 400 and headers.get("content-type") != JSONResponse.media_type:
                    answer = _answer(message["status"], headers)
                    return
            if answer is None:
                await send(message)
            elif not message.get("more_body", False):
                await answer(scope, receive, send)

        await self.app(scope, receive, formed)


def _answer(status: int, headers: Headers) -> JSONResponse:
    kept = {name: value for name, value in headers.items() if not name.startswith("content-")}
    if "content-range" in headers:
        kept["Content-Range"] = headers["content-range"]
    return JSONResponse({"error": _words(status)}, status, kept)


def _words(status: int) -> str:
    """What the framework has no sentence for."""
    known = HTTPStatus(status)
    return f"{known.description or known.phrase}."


async def refuse(request: Request, error: HTTPException) -> JSONResponse:
    status = error.status_code
    sentence = _words(status) if error.detail == HTTPStatus(status).phrase else error.detail
    # A shot's own words may stand in it.
    return JSONResponse({"error": words.sentence(sentence)}, status, error.headers)


async def refuse_fields(request: Request, error: RequestValidationError) -> JSONResponse:
    fields = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    sentence = f"The request does not make sense: {fields}."
    return JSONResponse({"error": words.sentence(sentence)}, 422)


async def refuse_write(request: Request, error: OSError) -> JSONResponse:
    return told(error, request.method)


def told(error: OSError, method: str) -> JSONResponse:
    """The answer where the data folder or the queue cannot be used."""
    log.error("%s: %s", method, error.strerror)
    if error.errno == errno.EBUSY:
        sentence = "Another program has locked the engine's queue. Try again later."
        return JSONResponse({"error": sentence}, 503, {"Retry-After": "10"})
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        sentence = "The engine's disk is full. Free some space in its data folder."
        return JSONResponse({"error": sentence}, 507)
    if error.errno == errno.EIO:
        # Also what SQLite says of a damaged file.
        problem = f"The engine's queue or its disk fails: {error.strerror}."
        sentence = f"{problem} On its machine: isa-engine queue check."
    else:
        sentence = f"The engine cannot use its data folder: {error.strerror}. Its machine needs help."
    # The host is ill, and no request is wrong: whoever waits is served when it is well again.
    return JSONResponse({"error": sentence}, 503, {"Retry-After": "60"})


async def apologise(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": "The engine made a mistake. Its log says more."}, 500)
