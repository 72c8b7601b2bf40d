"""HTTP to one engine: the token, the limits, and a sentence for everything that can go wrong.

Whoever answers at the address need not be an engine, and may mean harm: every answer has a limit in time and
in bytes, and whatever is not as an engine says it is an ``EngineError``.
"""

import contextlib
import http.client
import ipaddress
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from isa_engine.address import without_password
from isa_engine.client.answers import STRANGE, read_refusal
from isa_engine.client.identity import Impostor
from isa_engine.client.protocol import PREFIX
from isa_engine.client.tokens import check_token
from isa_engine.client.watchdog import Watchdog
from isa_engine.errors import EngineError

CONNECT_SECONDS = 5
# Seconds after which an idle connection is not used again: an engine ends it after five.
IDLE_SECONDS = 3
# Bytes of an answer that is not a file, at most.
MAX_ANSWER = 8 * 2**20
# Bytes a second: a slower upload or download is given up.
SLOWEST = 8 * 2**10
# Names of hosts, separated by commas, that may be sent the token without TLS.
PLAIN_HOSTS = "ISA_ENGINE_PLAIN_HOSTS"
# Bytes that are read at once: of a connection that breaks off, less than these are lost.
_CHUNK = 2**16
# Statuses of a proxy before the engine, or of an engine that starts or is overloaded: they pass.
_PASSING = (502, 503, 504)

T = TypeVar("T")


class EngineUnreachable(EngineError):
    """No answer: the engine is gone, restarting, overloaded, or the network is. It may come back."""


class RequestRefused(EngineError):
    """The engine refuses a request, and why.

    Args:
        kind: key of ``protocol.REFUSALS``.
        problem, where, remedy: as of ``IsaError``.
    """

    def __init__(self, kind: str, problem: str, *, where: str = "", remedy: str = ""):
        super().__init__(problem, where=where, remedy=remedy)
        self.kind = kind


class Connection:
    """Requests to one engine, from one thread at a time. Every one ends: there are limits to everything.

    Args:
        url, token, seconds, identity: as of ``client.EngineClient``.

    Raises:
        EngineError: the address is none, or the token would be lost on the way or go in the clear.
    """

    def __init__(
        self,
        url: str,
        token: str,
        seconds: float,
        identity: str = "",
        environment: Mapping[str, str] = os.environ,
    ):
        # The token goes where a name and a password would: nothing is lost without them, and every message
        # tells the address.
        url = without_password(url)
        host = _host(url)
        _check_privacy(url, host, environment)
        check_token(token, url)
        self.url, self.seconds = url.rstrip("/"), seconds
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        # The bytes that come are compared with the length that was announced; compressed ones would be fewer.
        self._session.headers["Accept-Encoding"] = "identity"
        # Requests to this machine must not go through a studio's proxy, which would look for the engine on
        # itself.
        self._session.trust_env = not _is_loopback(host)
        self._watchdog, self._used = Watchdog(identity), 0.0
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._watchdog)

    def close(self) -> None:
        self._session.close()

    def ask(
        self, method: str, route: str, size: int = 0, seconds: float = 0, twice: bool = False, **options
    ) -> Any:
        """An answer's JSON; None where it is empty.

        Args:
            twice: asking twice changes no more than asking once.
            size: bytes that go there.
            seconds: that the engine may take over it, if that is longer than usual.
        """
        seconds = max(seconds, self.seconds)
        with (
            self._limited(seconds, size),
            contextlib.closing(self._send(method, route, seconds, twice, **options)) as answer,
        ):
            content = self._content(answer)
        try:
            return json.loads(content) if content else None
        except (ValueError, RecursionError) as error:
            raise self.stranger() from error

    def stream(
        self, route: str, headers: Mapping[str, str], stopped: Callable[[], bool] | None = None
    ) -> requests.Response:
        """The head of an answer that comes bit by bit.

        Args:
            stopped: as of ``Watchdog.within``.
        """
        with self._limited(self.seconds, 0, stopped):
            response = self._send("GET", route, self.seconds, headers=headers)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            # It is compressed, and could unpack to any length.
            raise self.stranger()
        return response

    def chunks(
        self, response: requests.Response, size: int, stopped: Callable[[], bool] | None = None
    ) -> Iterator[bytes]:
        """The body of an answer that says how long it is, up to that; ``stopped`` as of ``stream``."""
        # The client's own disk may fail while it takes them, and that is not the engine's doing.
        bodies = response.iter_content(_CHUNK)
        while True:
            with self._limited(self.seconds, _CHUNK, stopped):
                chunk = next(bodies, b"")
            if not chunk:
                return
            size -= len(chunk)
            if size < 0:
                raise self.stranger()
            yield chunk

    def text(self, response: requests.Response) -> str:
        """The body of an answer that is text."""
        with self._limited(self.seconds, MAX_ANSWER):
            return self._content(response).decode(errors="replace")

    def _content(self, response: requests.Response) -> bytes:
        """An answer's body, which is no file."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self.stranger()
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > MAX_ANSWER:
                raise self.stranger()
        return bytes(content)

    @contextlib.contextmanager
    def _limited(
        self, seconds: float, size: int, stopped: Callable[[], bool] | None = None
    ) -> Iterator[None]:
        whole = CONNECT_SECONDS + seconds + size / SLOWEST
        with self.reachable(seconds), self._watchdog.within(whole, stopped):
            yield

    def _send(
        self, method: str, route: str, seconds: float, twice: bool = False, **options
    ) -> requests.Response:
        """The head of an answer with status 2xx."""
        send = partial(
            self._session.request,
            method,
            f"{self.url}{PREFIX}{route}",
            timeout=(CONNECT_SECONDS, seconds),
            allow_redirects=False,
            stream=True,
            **options,
        )
        # The engine may have closed an idle connection: once more where asking twice changes nothing, else
        # over a fresh one.
        repeatable = twice or method == "GET" or "Idempotency-Key" in options.get("headers", {})
        idle, self._used = time.monotonic() - self._used > IDLE_SECONDS, time.monotonic()
        if idle and not repeatable:
            self._session.close()
        try:
            response = send()
        except requests.ConnectionError as error:
            if not repeatable or self._watchdog.late or isinstance(error, requests.Timeout):
                raise
            response = send()
        if response.ok and not response.is_redirect:
            return response
        with response:
            raise self._refusal(response)

    def _refusal(self, response: requests.Response) -> EngineError:
        if response.status_code == 401:
            # A proxy may say it in words of its own.
            remedy = "Enter the token that this engine was started with."
            return RequestRefused("token", "the engine refuses the token", where=self.url, remedy=remedy)
        try:
            refusal = read_refusal(response.status_code, json.loads(self._content(response)))
        except (*STRANGE, EngineError):
            return self._before_it(response.status_code)
        if response.status_code in _PASSING:
            return EngineUnreachable("the engine does not answer now", where=self.url, remedy=refusal.error)
        if response.status_code >= 500:
            return RequestRefused(refusal.kind, "the engine failed", where=self.url, remedy=refusal.error)
        return RequestRefused(refusal.kind, refusal.problem, where=refusal.where, remedy=refusal.remedy)

    def _before_it(self, status: int) -> EngineError:
        """The error for a refusal that is not in the engine's form: a proxy's, or a stranger's."""
        if status == 413:
            problem = "what stands before the engine takes no upload of this size"
            remedy = "Let it take larger ones (nginx: client_max_body_size), or shorten the take."
            return RequestRefused("size", problem, where=self.url, remedy=remedy)
        if status in (429, *_PASSING):
            remedy = f"What stands before it answers {status}: try again later."
            return EngineUnreachable("the engine does not answer now", where=self.url, remedy=remedy)
        return self.stranger(status)

    def reading(self, read: Callable[[Any], T], found: Any) -> T:
        """What a part of an answer says, by one of the readers of ``client.answers``.

        Raises:
            EngineError: it is not as an engine says it.
        """
        try:
            return read(found)
        except STRANGE as error:
            raise self.stranger() from error

    def stranger(self, status: int = 0) -> EngineError:
        """The error for an answer that no engine gives, of this status where that tells something."""
        where = f"{self.url}, which answers {status}" if status else self.url
        problem, remedy = "what answers there is not an ISA engine", "Check the address."
        return EngineError(problem, where=where, remedy=remedy)

    @contextlib.contextmanager
    def reachable(self, seconds: float = 0) -> Iterator[None]:
        """Sentences for everything that goes wrong between here and the engine."""
        try:
            yield
        except (requests.Timeout, TimeoutError) as error:
            remedy = "It may be overloaded, or the network is slow; try again."
            problem = f"the engine did not answer within {seconds or self.seconds} s"
            raise EngineUnreachable(problem, where=self.url, remedy=remedy) from error
        except Impostor as error:
            remedy = "The engine that was there has ended; start it again."
            raise EngineError("another program answers there", where=self.url, remedy=remedy) from error
        except requests.exceptions.SSLError as error:
            remedy = "Check the address, or have its certificate mended."
            raise EngineError("the engine cannot prove who it is", where=self.url, remedy=remedy) from error
        except (
            *(requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException),
            ConnectionError,
        ) as error:
            remedy = "Start the engine, or check the address and the network."
            raise EngineUnreachable("the engine does not answer", where=self.url, remedy=remedy) from error


class _Bearer(requests.auth.AuthBase):
    """The token; as requests' own notion of authentication, lest .netrc put another in its place."""

    def __init__(self, token: str):
        self.header = b"Bearer " + token.encode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self.header
        return request


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts.hostname
    except ValueError:
        pass
    raise EngineError(
        f"'{url}' is not an engine's address", remedy="Write it as https://engine.example:8642."
    )


def _is_loopback(host: str) -> bool:
    try:
        if host == "localhost":
            return True
        address = ipaddress.ip_address(host)
        # 0.0.0.0 is where a service listens; whoever connects to it reaches this machine.
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return False


def _check_privacy(url: str, host: str, environment: Mapping[str, str]) -> None:
    """The token goes over TLS, or stays on this machine, unless somebody allowed a host by its name."""
    allowed = {name.strip() for name in environment.get(PLAIN_HOSTS, "").split(",")}
    if urlsplit(url).scheme == "https" or _is_loopback(host) or host in allowed:
        return
    remedy = f"Use https://, or allow it by its name: {PLAIN_HOSTS}={host}"
    raise EngineError("the token would travel in the clear", where=url, remedy=remedy)
