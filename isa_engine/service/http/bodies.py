"""What a request brings along: a shot where one is sent (``upload``), and elsewhere next to nothing."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isa_engine.client.protocol import PREFIX
from isa_engine.service.http.refusals import Refused

# Of a request that is no upload: a comment of the greatest length, every letter of it escaped, fits.
MAX_BODY = 2**14


class SmallBodies:
    """ASGI middleware: the body of every request but an upload is read to its limit and no further."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) == ("POST", f"{PREFIX}/jobs"):
            await self.app(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise Refused("size", f"The request's body is larger than {MAX_BODY} bytes")
            return message

        await self.app(scope, counted, send)
