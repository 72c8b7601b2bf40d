"""Who may speak to the service: whoever has the token, on every route, before anything else is looked at."""

import hashlib
import hmac
import ipaddress

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from isa_engine.errors import EngineError


class TokenDoor:
    """ASGI middleware around the whole application, so that no route can forget it."""

    def __init__(self, app: ASGIApp, token: str):
        self.app, self.expected = app, _digest(f"Bearer {token}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            # Digests are of one length, so that the comparison takes one time.
            if not hmac.compare_digest(_digest(shown), self.expected):
                refusal = "The token is missing or wrong. Enter the one that the engine was started with."
                answer = JSONResponse({"error": refusal}, 401, {"WWW-Authenticate": "Bearer"})
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)


def check_exposure(host: str, token_chosen: bool) -> None:
    """Loopback is for everyone; any other address needs a token that someone chose.

    Raises:
        EngineError: the address is not loopback and there is no such token.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not token_chosen:
        remedy = "Set ISA_ENGINE_TOKEN to a secret of your own, or use --host 127.0.0.1."
        raise EngineError(
            "other machines could reach this engine, and it has no token", where=host, remedy=remedy
        )


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
