"""Another program that is told: each thing once, later what it missed, signed, and nothing of the cast."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from isa_engine.errors import EngineError
from isa_engine.service.operation import waiting, webhook
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig, read_config
from isa_engine.service.operation.waiting import Waiting
from isa_engine.service.operation.webhook import Webhook, key_of
from isa_engine.service.queue.store import JobStore
from tests.service.running import eventually, in_time
from tests.service.test_server import refused

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Hears(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(json.loads(body))
        self.server.messages.append((dict(self.headers), body))
        if self.server.status is None:
            # It answers a byte at a time, and never to the end.
            self.connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not self.server.ended.wait(0.05):
                self.connection.sendall(b"x")
            return
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def listener():
    """A program that is told, with what it ``heard`` and the ``status`` that it answers (None: no end)."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hears) as server:
        server.heard, server.messages, server.status, server.ended = [], [], 200, threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.ended.set()
        server.shutdown()


def hook(listener, store: JobStore, told: Waiting | None = None) -> Webhook:
    store.set_worker("ready", "cpu")
    url = f"http://127.0.0.1:{listener.server_port}/"
    return Webhook(url, key_of(SECRET), store, told or Waiting(store, Conditions()))


def failed(store: JobStore, job: str, error: str = "It burns.", **words: str) -> None:
    store.add(job, **words)
    store.finish(store.claim(), "failed", error, reason="engine")


def test_each_ending_is_told_once_and_later_what_was_missed(store, listener):
    store.add("before")
    store.finish(store.claim(), "done")
    told = hook(listener, store)
    told.tell()
    assert listener.heard == [], "what was before is no news"
    failed(store, "a", name="Sc 010")
    store.add("b")
    store.cancel("b")
    listener.status = 500
    told.tell()
    listener.status, told._not_before = 200, 0
    store.delete("a")
    told.tell()
    told.tell()
    hook(listener, store, told.waiting).tell()
    assert [(h["event"], h["job"], h["name"], h["reason"]) for h in listener.heard] == [
        ("failed", "a", "Sc 010", "engine")
    ] * 2, "once without an answer, once with"
    assert len({headers["webhook-id"] for headers, _ in listener.messages}) == 1


def test_it_is_told_that_the_queue_stands_still_and_that_it_goes_on(store, listener, monkeypatch):
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0)
    reasons = Waiting(store, Conditions())
    told = hook(listener, store, reasons)
    store.beat(0, "The disk is full.")
    for _ in range(2):
        reasons.tell()
        told.tell()
    store.beat(0)
    reasons.tell()
    told.tell()
    assert listener.heard == [{"event": "stuck", "error": "The disk is full."}, {"event": "well"}]
    assert len({headers["webhook-id"] for headers, _ in listener.messages}) == 2


def test_a_message_is_signed_with_its_name_and_its_time(store, listener):
    told = hook(listener, store)
    told.tell()
    failed(store, "a")
    told.tell()
    [(headers, body)] = listener.messages
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60

    def right(key: bytes, **changed: str) -> bool:
        parts = {**headers, **changed}
        signed = f"{parts['webhook-id']}.{parts['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return headers["webhook-signature"] == f"v1,{digest}"

    key = bytes(range(32))
    assert right(key)
    assert not right(key[::-1])
    assert not right(key, **{"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)})
    assert not right(key, **{"webhook-id": "b.1"})


def test_the_signature_is_that_of_standard_webhooks():
    """An example of the specification's own libraries."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = webhook.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_nothing_of_the_cast_is_told(store, listener):
    told = hook(listener, store)
    told.tell()
    failed(store, "a", "Character 'Secret Heroine' has no picture.", comment="Secret Heroine, take 2")
    told.tell()
    [(_, body)] = listener.messages
    assert b"Secret Heroine" not in body


def test_a_redirection_is_no_answer_and_is_not_followed(store, listener):
    told = hook(listener, store)
    told.tell()
    failed(store, "a")
    listener.status = 302
    told.tell()
    listener.status, told._not_before = 200, 0
    told.tell()
    assert [h["job"] for h in listener.heard] == ["a", "a"]


def test_a_program_that_answers_without_end_is_left_and_told_again(store, listener, monkeypatch):
    monkeypatch.setattr(webhook, "ANSWER_SECONDS", 0.3)
    told = hook(listener, store)
    told.tell()
    failed(store, "a")
    listener.status = None
    in_time(told.tell, "it comes back from a program that never ends its answer")
    eventually(lambda: listener.heard, "the program has heard it all the same")
    monkeypatch.setattr(webhook, "ANSWER_SECONDS", 60)
    listener.status, told._not_before = 200, 0
    told.tell()
    assert [h["job"] for h in listener.heard] == ["a", "a"]


@pytest.mark.parametrize("secret", ["", "short", "x" * 41, base64.b64encode(bytes(65)).decode()])
def test_without_a_secret_that_nobody_guesses_no_engine_starts(secret):
    with pytest.raises(EngineError, match="ISA_ENGINE_WEBHOOK_SECRET") as refusal:
        key_of(secret)
    assert not secret or secret not in str(refusal.value)


def test_an_engine_with_a_webhook_and_no_secret_says_so_at_the_start(tmp_path):
    environment = {"ISA_ENGINE_WEBHOOK": "https://farm.example/told"}
    assert "a webhook needs a secret" in refused("--port", "0", "--data", str(tmp_path), **environment)


def test_a_configuration_that_is_printed_keeps_its_secret():
    config = read_config(None, {"ISA_ENGINE_WEBHOOK_SECRET": SECRET})
    assert config == ServiceConfig(webhook_secret=SECRET)
    assert SECRET not in repr(config)
