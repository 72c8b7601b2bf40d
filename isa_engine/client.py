"""The one client of the service: the add-on and the command line speak to an engine through nothing else."""

import contextlib
import ipaddress
import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import requests

import isa_engine
from isa_engine.errors import EngineError
from isa_engine.protocol import PREFIX, Health, JobStatus, ModelInfo

CONNECT_SECONDS = 5
# After the upload the engine still checks the shot, one at a time.
SUBMIT_SECONDS = 300
_CHUNK = 2**18

T = TypeVar("T")


class EngineUnreachable(EngineError):
    """No answer: the engine is gone, restarting, overloaded, or the network is. It may come back."""


class EngineClient:
    """Speaks to one engine, from one thread at a time. Every call ends: there are timeouts on everything.

    Args:
        url: "http://127.0.0.1:8642", or "https://..." of a remote engine.
        token: the engine's.
        seconds: the longest wait for an answer, or for the next bytes of a long one.

    Raises:
        EngineError: from every method, with a sentence; ``EngineUnreachable`` where there was no answer.
    """

    def __init__(self, url: str, token: str, seconds: float = 30):
        host = _host(url)
        self.url, self.seconds = url.rstrip("/"), seconds
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        # Lengths are compared, so bytes come as they are.
        self._session.headers["Accept-Encoding"] = "identity"
        # A studio's proxy knows nothing of this machine's own engine.
        self._session.trust_env = not _is_loopback(host)

    def close(self) -> None:
        self._session.close()

    def health(self) -> Health:
        """The engine, its worker and its models; an engine of another major or minor version is refused."""
        return self._ask(self._read_health, "GET", "/health")

    def submit(self, shot: bytes) -> str:
        """Queue a shot file and return the job's id."""
        limit = self.health().upload_limit
        if len(shot) > limit:
            problem = f"the shot has {len(shot) / 2**20:.1f} MiB, this engine takes {limit / 2**20:.1f} MiB"
            raise EngineError(problem, where=self.url, remedy="Shorten the take.")
        return self._ask(lambda a: str(a["id"]), "POST", "/jobs", data=shot, seconds=SUBMIT_SECONDS)

    def job(self, job: str) -> JobStatus:
        """How far a job is."""
        return self._ask(_read_job, "GET", f"/jobs/{job}")

    def cancel(self, job: str) -> JobStatus:
        """End a job; a running one ends after its current step."""
        return self._ask(_read_job, "POST", f"/jobs/{job}/cancel")

    def fetch(self, job: str, name: str, path: str | os.PathLike) -> None:
        """Save a result (``protocol.RESULTS``) at ``path``, whole or not at all."""
        self._save(f"/jobs/{job}/results/{name}", Path(path))

    def fetch_preview(self, job: str, path: str | os.PathLike) -> None:
        """Save the newest preview picture, a PNG, at ``path``."""
        self._save(f"/jobs/{job}/preview", Path(path))

    def _save(self, route: str, path: Path) -> None:
        unfinished = path.with_name(path.name + ".part")
        try:
            with (
                contextlib.closing(self._request("GET", route, stream=True)) as response,
                open(unfinished, "wb") as file,
            ):
                with self._reachable(self.seconds):
                    for chunk in response.iter_content(_CHUNK):
                        file.write(chunk)
                expected = response.headers.get("Content-Length")
                if expected is not None and file.tell() != int(expected):
                    raise EngineUnreachable(
                        f"only {file.tell()} of {expected} bytes of {path.name} came", where=self.url
                    )
            os.replace(unfinished, path)
        except OSError as error:
            remedy = "Free some space or choose another folder."
            problem = f"cannot write {path.name}: {error.strerror}"
            raise EngineError(problem, where=str(path.parent), remedy=remedy) from error
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink()

    def _ask(self, read: Callable[[dict], T], method: str, route: str, **options) -> T:
        response = self._request(method, route, **options)
        try:
            return read(response.json())
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._stranger() from error

    def _read_health(self, answer: dict) -> Health:
        theirs, ours = str(answer["version"]), isa_engine.__version__
        if theirs.split(".")[:2] != ours.split(".")[:2]:
            problem = f"version {theirs} runs there, and this is version {ours}"
            raise EngineError(problem, where=self.url, remedy="Update the older of the two.")
        models = tuple(_read(ModelInfo, model) for model in answer["models"])
        return _read(Health, {**answer, "models": models})

    def _request(self, method: str, route: str, seconds: float = 0, **options) -> requests.Response:
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
        with self._reachable(seconds):
            try:
                response = send()
            except requests.ConnectionError as error:
                # Once more where asking twice changes nothing: the engine may have closed an idle connection.
                if method != "GET" or isinstance(error, requests.Timeout):
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
            return self._stranger()
        if response.status_code >= 500:
            return EngineError(f"the engine failed: {sentence}", where=self.url)
        return EngineError(sentence)

    def _stranger(self) -> EngineError:
        return EngineError(
            "what answers there is not an ISA engine", where=self.url, remedy="Check the address."
        )

    @contextlib.contextmanager
    def _reachable(self, seconds: float) -> Iterator[None]:
        """Sentences for everything that goes wrong between here and the engine."""
        try:
            yield
        except requests.Timeout as error:
            remedy = "It may be overloaded, or the network is slow; try again."
            problem = f"the engine did not answer within {seconds} s"
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


def _read_job(answer: dict) -> JobStatus:
    return _read(JobStatus, answer)


def _read(kind: Callable[..., T], answer: dict) -> T:
    """A dataclass of the protocol; what a newer patch version adds is left out."""
    return kind(**{field.name: answer[field.name] for field in fields(kind)})


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
