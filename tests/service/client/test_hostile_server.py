"""Whoever answers, and however: every call ends, in bounded memory, with an EngineError."""

import contextlib
import gzip
import json
import socket
import threading
import time
import tracemalloc

import pytest

from isa_engine.client import EngineClient, connection
from isa_engine.errors import EngineError
from tests.service.client.test_client import HEALTH
from tests.service.running import in_time

JOB = {
    **{"id": "0" * 32, "state": "running", "phase": "", "step": 0, "steps": 0, "previews": 0, "error": ""},
    **{"priority": 0, "attempt": 1, "created": 0, "started": None, "finished": None},
}
SECONDS = 0.5
HEAD = b"HTTP/1.1 200 OK\r\n"


def sized(content: bytes, *lines: str) -> bytes:
    return (
        HEAD
        + "".join(f"{line}\r\n" for line in (*lines, f"Content-Length: {len(content)}", "")).encode()
        + content
    )


def forever(start: bytes, more: bytes, pause: float = 0):
    """Says the same for as long as somebody listens."""

    def say(send, request: bytes) -> None:
        send(start)
        while True:
            send(more)
            time.sleep(pause)

    return say


def once(content: bytes):
    return lambda send, request: send(content)


def streamed(content: bytes):
    """A job that runs, and its events."""

    def say(send, request: bytes) -> None:
        head = HEAD + b"Content-Type: text/event-stream\r\n\r\n"
        send(head + content if b"/events" in request else sized(json.dumps(JOB).encode()))

    return say


@contextlib.contextmanager
def spoken(say):
    """The address of a server that answers every request with this."""

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                if not (more := connection.recv(65536)):
                    return
                request += more
            say(connection.sendall, request)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def health(client: EngineClient, folder) -> None:
    client.health()


def job(client: EngineClient, folder) -> None:
    client.job("0" * 32)


def submit(client: EngineClient, folder) -> None:
    client.submit(b"shot")


def fetch(client: EngineClient, folder) -> None:
    client.fetch("0" * 32, "plate.mp4", folder / "plate.mp4")


def preview(client: EngineClient, folder) -> None:
    client.fetch_preview("0" * 32, folder / "preview.png")


def watch(client: EngineClient, folder) -> None:
    next(client.watch("0" * 32, patience=0.2))


BOMB = gzip.compress(bytes(200 * 2**20), 1)
GZIP = "Content-Encoding: gzip"
DIGEST = f"Repr-Digest: sha-256=:{'A' * 43}=:"


def said(**changes) -> bytes:
    return sized(json.dumps({**JOB, **changes}).encode())


def with_health(**changes) -> bytes:
    return sized(json.dumps({**HEALTH, **changes}).encode())


def submitted(answer: bytes):
    return lambda send, request: send(answer if request.startswith(b"POST") else with_health())


CASES = {
    "a body without end": (health, forever(HEAD + b'\r\n{"version": "', b"a" * 2**16)),
    "a byte at a time": (health, forever(HEAD + b"Content-Length: 100000\r\n\r\n", b" ", 0.05)),
    "a head a byte at a time": (health, forever(HEAD + b"X: ", b"a", 0.05)),
    "headers without end": (health, forever(HEAD, b"X-A: " + b"a" * 1000 + b"\r\n")),
    "100 Continue for ever": (health, forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)),
    "a packed answer": (health, once(sized(BOMB, GZIP))),
    "brackets": (health, once(sized(b"[" * 200_000))),
    "a number of 10,000 digits": (health, once(sized(b'{"version": ' + b"9" * 10_000 + b"}"))),
    "a limit that is a text": (submit, once(with_health(upload_limit="many"))),
    "an error page without end": (health, forever(b"HTTP/1.1 500 X\r\n\r\n", b"a" * 2**16)),
    "another protocol": (health, once(b"SSH-2.0-OpenSSH\r\n")),
    "a redirection to a file": (health, once(b"HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\n\r\n")),
    "a job id that is a path": (submit, submitted(sized(b'{"id": "../../etc/passwd"}'))),
    "a job id that is a number": (submit, submitted(sized(b'{"id": 3}'))),
    "a state that is a list": (job, once(said(state=[]))),
    "a state that is none": (job, once(said(state="paused"))),
    "a count that is a text": (job, once(said(previews="x"))),
    "a count that is true": (job, once(said(step=True))),
    "a count of a thousand digits": (job, once(said(steps=10**1000))),
    "a time that is no number": (job, once(said(created=float("nan")))),
    "a time without end": (job, once(said(finished=float("inf")))),
    "a time that no calendar has": (job, once(said(started=1e17))),
    "a time before all clocks": (job, once(said(created=-1e17))),
    "a sentence of a megabyte": (job, once(said(error="a" * 2**20))),
    "a length that is a text": (fetch, once(HEAD + f"{DIGEST}\r\nContent-Length: abc\r\n\r\nx".encode())),
    "no length": (fetch, forever(HEAD + f"{DIGEST}\r\n\r\n".encode(), b"a" * 2**16)),
    "less than announced": (fetch, once(HEAD + f"{DIGEST}\r\nContent-Length: 9\r\n\r\nx".encode())),
    "a digest that is none": (fetch, once(sized(b"x", "Repr-Digest: sha-256=:abcde:"))),
    "another kind of digest": (fetch, once(sized(b"x", "Repr-Digest: sha-512=:YWJj:"))),
    "no digest": (fetch, once(sized(b"<html>"))),
    "a packed result": (fetch, once(sized(BOMB, GZIP, DIGEST))),
    "a part that nobody asked for": (
        fetch,
        once(
            f"HTTP/1.1 206 X\r\n{DIGEST}\r\nContent-Range: bytes 5-9/10\r\n".encode()
            + b"Content-Length: 5\r\n\r\nabcde"
        ),
    ),
    "a picture without end": (preview, forever(HEAD + b"\r\n", b"a" * 2**16)),
    "events that are none": (watch, streamed(b"data: {\n\n")),
    "events that are no text": (watch, streamed(b"data: \xff\xfe\n\n")),
    "an event without end": (watch, forever(HEAD + b"\r\ndata: ", b"a" * 2**16)),
    "comments without end": (watch, forever(HEAD + b"\r\n", b": nothing\n\n" * 1000)),
    "events that end at once": (watch, streamed(b"")),
}


def test_an_answer_is_read_to_its_limit_and_no_further(monkeypatch):
    monkeypatch.setattr(connection, "MAX_ANSWER", 2**12)
    with spoken(once(sized(json.dumps({"jobs": [], "more": "a" * 2**13}).encode()))) as url:
        client = EngineClient(url, "geheim", seconds=SECONDS)
        with pytest.raises(EngineError, match="not an ISA engine"):
            client.jobs()
        client.close()


def test_nothing_is_taken_beyond_the_length_that_an_answer_says(tmp_path):
    head = HEAD + f"{DIGEST}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with spoken(once(head + b"10000\r\n" + b"a" * 2**16 + b"\r\n0\r\n\r\n")) as url:
        client = EngineClient(url, "geheim", seconds=30)
        # Not that the connection broke: it would be tried again.
        with pytest.raises(EngineError, match="not an ISA engine"):
            in_time(lambda: fetch(client, tmp_path), "an answer beyond its length is an error")
        client.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_answer_is_an_engine_error_soon_and_in_little_memory(case, tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    call, say = CASES[case]
    with spoken(say) as url:
        client = EngineClient(url, "geheim", seconds=SECONDS)
        tracemalloc.start()
        try:
            with pytest.raises(EngineError):
                in_time(lambda: call(client, tmp_path), f"{case} is an error")
            assert tracemalloc.get_traced_memory()[1] < 48 * 2**20
        finally:
            tracemalloc.stop()
        client.close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_an_engine_says_moves_the_cursor_of_whoever_reads_it():
    odd = "Anna\x1b[2J\r\u202e\u200b"
    refusal = json.dumps({"error": odd}).encode()

    def say(send, request: bytes) -> None:
        if b"/log" in request:
            send(sized(f"first\n{odd}\n".encode()))
        elif b"/cancel" in request:
            head = HEAD.replace(b"200 OK", b"409 Conflict")
            send(head + f"Content-Length: {len(refusal)}\r\n\r\n".encode() + refusal)
        else:
            send(sized(json.dumps({**JOB, "error": odd, "name": odd, "comment": f"a\n{odd}"}).encode()))

    with spoken(say) as url, contextlib.closing(EngineClient(url, "token")) as client:
        job, log = client.job("0" * 32), client.log("0" * 32)
        with pytest.raises(EngineError) as refused:
            client.cancel("0" * 32)
    for shown in (job.error, job.name, job.comment, log, str(refused.value)):
        assert "Anna" in shown
        assert not set(shown) & set("\x1b\r\u202e\u200b")
    assert (job.comment.count("\n"), log.count("\n")) == (1, 2)
