"""Who may speak to the service: whoever has a token, on every route, before anything else is looked at."""

import ipaddress
from dataclasses import dataclass

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from isa_engine.client.identity import ROUTE
from isa_engine.client.protocol import JobStatus
from isa_engine.errors import EngineError
from isa_engine.service.http.dashboard import PATHS
from isa_engine.service.http.refusals import Refused, told
from isa_engine.service.http.tokens import Caller, Tokens
from isa_engine.service.queue.store import JobStore, ask

# Routes without a token: what they answer is nobody's.
OPEN = (ROUTE, *PATHS)


class TokenDoor:
    """ASGI middleware around the whole application, so that no route but those of ``OPEN`` can forget it."""

    def __init__(self, app: ASGIApp, tokens: Tokens):
        self.app, self.tokens = app, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope.get("path") not in OPEN:
            shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            try:
                caller = await ask(self.tokens.database, self.tokens.caller, shown)
            except OSError as error:
                await told(error, scope.get("method", "")).answer()(scope, receive, send)
                return
            if caller is None:
                remedy = "Enter the one that the engine was started with."
                headers = {"WWW-Authenticate": "Bearer"}
                refused = Refused("token", "The token is missing or wrong", remedy=remedy, headers=headers)
                await refused.answer()(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)


def caller(request: Request) -> Caller:
    """Whose token the request shows."""
    return request.state.caller


def owner(request: Request) -> str | None:
    """Whose jobs the caller sees; None: everyone's."""
    return None if caller(request).may("admin") else caller(request).id


async def the_callers(store: JobStore, request: Request, job: str) -> JobStatus:
    """A job, where the caller may see it.

    Raises:
        Refused: a job of another token is as if it did not exist.
    """
    found = await ask(store, store.status, job, owner(request))
    if found is None:
        raise Refused("unknown", "This engine has no such job")
    return found


@dataclass(frozen=True)
class Needs:
    """A dependency of routes: tokens without this scope are refused."""

    scope: str

    async def __call__(self, request: Request) -> None:
        if not caller(request).may(self.scope):
            raise Refused("scope", f"This token is not made for this: it lacks the scope '{self.scope}'")


def check_exposure(host: str, token_chosen: bool, protected: bool) -> None:
    """Loopback is for everyone; any other address needs a token that someone chose, and TLS.

    Args:
        protected: the service itself speaks TLS, or someone says that a proxy before it does.

    Raises:
        EngineError: the address is not loopback and one of the two is missing.
    """
    if is_loopback(host):
        return
    if not token_chosen:
        remedy = "Set ISA_ENGINE_TOKEN to a secret of your own, add one with 'isa-engine token add', or use "
        raise EngineError(
            "other machines could reach this engine, and it has no token",
            where=host,
            remedy=remedy + "--host 127.0.0.1.",
        )
    if not protected:
        remedy = "Give --tls-certificate and --tls-key, or --behind-proxy where a proxy speaks TLS for it."
        raise EngineError("the token would travel in the clear", where=host, remedy=remedy)


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
