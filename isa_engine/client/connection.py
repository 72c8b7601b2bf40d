"""HTTP to one engine: the token, the time limits, and a sentence for everything that can go wrong."""

import contextlib
import ipaddress
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import requests

from isa_engine.client.protocol import PREFIX
from isa_engine.errors import EngineError

CONNECT_SECONDS = 5


class EngineUnreachable(EngineError):
    """No answer: the engine is gone, restarting, overloaded, or the network is. It may come back."""


class Connection:
    """Requests to one engine, from one thread at a time. Every one ends: there are timeouts on everything.

    Args:
        url, token, seconds: as of ``client.EngineClient``.
    """

    def __init__(self, url: str, token: str, seconds: float):
        host = _host(url)
        self.url, self.seconds = url.rstrip("/"), seconds
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        # The bytes that come are compared with the length that was announced; compressed ones would be fewer.
        self._session.headers["Accept-Encoding"] = "identity"
        # Requests to this machine must not go through a studio's proxy, which would look for the engine on
        # itself.
        self._session.trust_env = not _is_loopback(host)

    def close(self) -> None:
        self._session.close()

    def request(self, method: str, route: str, seconds: float = 0, **options) -> requests.Response:
        """An answer with status 2xx."""
        seconds = max(seconds, self.seconds)
        send = partial(
            self._session.request,
            method,
            f"{self.url}{PREFIX}{route}",
            timeout=(CONNECT_SECONDS, seconds),
            allow_redirects=False,
            **options,
        )
        # Once more where asking twice changes nothing: the engine may have closed an idle connection.
        repeatable = method == "GET" or "Idempotency-Key" in options.get("headers", {})
        with self.reachable(seconds):
            try:
                response = send()
            except requests.ConnectionError as error:
                if not repeatable or isinstance(error, requests.Timeout):
                    raise
                response = send()
            if response.ok and not response.is_redirect:
                return response
            with response:
                raise self._refusal(response)

    def _refusal(self, response: requests.Response) -> EngineError:
        if response.status_code == 401:
            remedy = "Enter the token that this engine was started with."
            return EngineError("the engine refuses the token", where=self.url, remedy=remedy)
        try:
            sentence = str(response.json()["error"])
        except (ValueError, TypeError, KeyError):
            return self.stranger()
        if response.status_code >= 500:
            return EngineError(f"the engine failed: {sentence}", where=self.url)
        return EngineError(sentence)

    def stranger(self) -> EngineError:
        """The error for an answer that no engine gives."""
        return EngineError(
            "what answers there is not an ISA engine", where=self.url, remedy="Check the address."
        )

    @contextlib.contextmanager
    def reachable(self, seconds: float = 0) -> Iterator[None]:
        """Sentences for everything that goes wrong between here and the engine."""
        try:
            yield
        except requests.Timeout as error:
            remedy = "It may be overloaded, or the network is slow; try again."
            problem = f"the engine did not answer within {seconds or self.seconds} s"
            raise EngineUnreachable(problem, where=self.url, remedy=remedy) from error
        except requests.exceptions.SSLError as error:
            remedy = "Check the address, or have its certificate mended."
            raise EngineError("the engine cannot prove who it is", where=self.url, remedy=remedy) from error
        except requests.RequestException as error:
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
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
