"""Strangers who connect and ask for nothing keep nobody out."""

import contextlib
import resource
import socket

import requests

from isa_engine.service.http import connections
from isa_engine.service.http.connections import RESERVED, most_connections
from tests.service.running import BOUND, LONG, RunningEngine, eventually

HALF = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX: "


def connected(engine: RunningEngine, strangers: contextlib.ExitStack, number: int) -> list[socket.socket]:
    host, port = engine.url.removeprefix("http://").split(":")
    found = []
    for _ in range(number):
        stranger = strangers.enter_context(socket.create_connection((host, int(port)), timeout=LONG))
        stranger.sendall(HALF)
        found.append(stranger)
    return found


def test_strangers_are_sent_away_with_the_reason_before_anybody_who_asks(run_engine):
    engine = run_engine(STUB_CONNECTIONS="20")
    eventually(lambda: engine.client.health().device, "the worker is ready")
    with contextlib.ExitStack() as strangers:
        found = connected(engine, strangers, 60)
        for _ in range(5):
            headers = {"Authorization": f"Bearer {engine.first_line['token']}"}
            assert requests.get(f"{engine.url}/v1/ready", headers=headers, timeout=LONG).status_code == 200
        first = found[0].recv(4096)
        assert first.startswith(b"HTTP/1.1 503")
        assert b"too many connections" in first


def test_a_connection_that_says_nothing_ends(run_engine):
    engine = run_engine(STUB_HEAD_SECONDS="0.3")
    with contextlib.ExitStack() as strangers:
        [stranger] = connected(engine, strangers, 1)
        stranger.settimeout(BOUND)
        # Reset, if it was ended before all was sent.
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(4096) == b""


def test_there_are_no_more_connections_than_descriptors(monkeypatch):
    limits = [(1024, 1024)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, both: limits.append(both))
    assert most_connections(4096) == 1024 - RESERVED
    limits[:] = [(256, 100_000)]
    assert most_connections(4096) == 4096
    assert limits[-1] == (4096 + RESERVED, 100_000)
    limits[:] = [(64, 64)]
    assert most_connections(4096) == 32
    assert connections.HEAD_SECONDS > 0
