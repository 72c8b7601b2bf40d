"""One form for every error, whoever found it: ``protocol.Refusal``."""

import errno
import logging
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isa_engine.client import words
from isa_engine.client.protocol import REFUSALS, Refusal, kind_of
from isa_engine.errors import IsaError

log = logging.getLogger(__name__)


class Refused(HTTPException):
    """A request that is refused.

    Args:
        kind: key of ``protocol.REFUSALS``, which has the status.
        problem, where, remedy: as of ``IsaError``.
        headers: of the answer.
    """

    def __init__(
        self,
        kind: str,
        problem: str,
        *,
        where: str = "",
        remedy: str = "",
        headers: Mapping[str, str] | None = None,
    ):
        self.kind, self.error = kind, IsaError(problem, where=where, remedy=remedy)
        super().__init__(REFUSALS[kind], str(self.error), headers)

    def answer(self) -> JSONResponse:
        return JSONResponse(form(self.kind, self.error), self.status_code, self.headers)


def form(kind: str, error: IsaError) -> dict[str, str]:
    """The body of an answer that refuses."""
    sentence = str(error)
    refusal = Refusal(sentence if sentence.endswith(".") else f"{sentence}.", **error.parts, kind=kind)
    # A shot's own words may stand in it.
    return {name: words.sentence(text) for name, text in asdict(refusal).items()}


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
                    kept = {name: text for name, text in headers.items() if not name.startswith("content-")}
                    if "content-range" in headers:
                        kept["Content-Range"] = headers["content-range"]
                    answer = _frameworks(message["status"], kept)
                    return
            if answer is None:
                await send(message)
            elif not message.get("more_body", False):
                await answer(scope, receive, send)

        await self.app(scope, receive, formed)


def _frameworks(status: int, headers: Mapping[str, str] | None, problem: str = "") -> JSONResponse:
    """The answer where the web framework refuses.

    Args:
        problem: its own words; empty: those of the status.
    """
    known = HTTPStatus(status)
    error = IsaError(problem or known.description or known.phrase)
    return JSONResponse(form(kind_of(status), error), status, headers)


async def refuse(request: Request, error: HTTPException) -> JSONResponse:
    if isinstance(error, Refused):
        return error.answer()
    status = error.status_code
    detail = "" if error.detail == HTTPStatus(status).phrase else error.detail
    return _frameworks(status, error.headers, detail)


async def refuse_fields(request: Request, error: RequestValidationError) -> JSONResponse:
    fields = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    refused = IsaError("The request does not make sense", where=fields)
    return JSONResponse(form("request", refused), 422)


async def refuse_write(request: Request, error: OSError) -> JSONResponse:
    return told(error, request.method).answer()


def told(error: OSError, method: str) -> Refused:
    """What to say where the data folder or the queue cannot be used."""
    log.error("%s: %s", method, error.strerror)
    if error.errno == errno.EBUSY:
        problem, headers = "Another program has locked the engine's queue", {"Retry-After": "10"}
        return Refused("busy", problem, remedy="Try again later.", headers=headers)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "Free some space in its data folder."
        return Refused("disk", "The engine's disk is full", remedy=remedy)
    if error.errno == errno.EIO:
        # Also what SQLite says of a damaged file.
        problem = f"The engine's queue or its disk fails: {error.strerror}"
        remedy = "On its machine: isa-engine queue check."
    else:
        problem = f"The engine cannot use its data folder: {error.strerror}"
        remedy = "Its machine needs help."
    # The host is ill, and no request is wrong: whoever waits is served when it is well again.
    return Refused("host", problem, remedy=remedy, headers={"Retry-After": "60"})


async def apologise(request: Request, error: Exception) -> JSONResponse:
    return Refused("engine", "The engine made a mistake", remedy="Its log says more.").answer()
