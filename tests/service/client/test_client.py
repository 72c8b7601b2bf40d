"""What the client makes of everything that may answer, or not."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import isa_engine
from isa_engine.client import EngineClient, EngineUnreachable, RequestRefused, connection
from isa_engine.errors import EngineError
from tests.full_disk import room_for
from tests.service.running import eventually, upload
from tests.service.stub_engine import FAST

HEALTH = {
    "version": isa_engine.__version__,
    "worker": "ready",
    "device": "",
    "memory": None,
    "upload_limit": 2**20,
    "models": [],
}


@contextmanager
def served(handler):
    """The address of a server with this handler."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def answering(status: int = 200, content: bytes = b"", **headers: str):
    """A client of a server that gives everyone the same answer, and the requests that came."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            requests.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *arguments):
            pass

    with served(Handler) as url:
        client = EngineClient(f"{url}/", "geheim")
        client.requests = requests
        try:
            yield client
        finally:
            client.close()


def sentence(call, *arguments, kind=EngineError) -> str:
    with pytest.raises(kind) as error:
        call(*arguments)
    assert type(error.value) is kind
    return str(error.value)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_nobody_there():
    url = f"http://127.0.0.1:{free_port()}"
    client = EngineClient(url, "token")
    said = sentence(client.health, kind=EngineUnreachable)
    assert (
        said == f"the engine does not answer ({url}). Start the engine, or check the address and the network."
    )


def test_somebody_there_who_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = EngineClient(f"http://127.0.0.1:{listener.getsockname()[1]}", "token", seconds=0.2)
        said = sentence(client.job, "a", kind=EngineUnreachable)
    assert said.startswith("the engine did not answer within 0.2 s (http://")
    assert "). It may be overloaded" in said


def test_somebody_who_hangs_up_is_asked_once_more_and_only_what_may_be_asked_twice():
    asked = []

    def hang_up(listener):
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                asked.append(connection.recv(65536).split(b" ")[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        client = EngineClient(f"http://127.0.0.1:{listener.getsockname()[1]}", "token")
        sentence(client.job, "a", kind=EngineUnreachable)
        sentence(client.cancel, "a", kind=EngineUnreachable)
        sentence(client.requeue, "a", kind=EngineUnreachable)
        listener.shutdown(socket.SHUT_RDWR)
    assert asked == [b"GET", b"GET", b"POST", b"POST", b"POST"]


def test_what_may_not_be_asked_twice_is_not_asked_over_a_connection_that_the_engine_may_have_closed(
    engine, monkeypatch
):
    job = engine.client.submit(upload(FAST))
    list(engine.client.watch(job))
    client = EngineClient(engine.url, engine.first_line["token"])
    client.health()
    [pool] = client._connection._session.get_adapter(engine.url).poolmanager.pools._container.values()
    # As at the engine's side.
    idle = pool.pool.queue[-1]
    idle.sock.shutdown(socket.SHUT_RDWR)
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0)
    client.delete(job)


@pytest.mark.parametrize(
    "url", ["", "localhost:8642", "ftp://engine", "http://", "http://[1", "http://engine:x", "8642"]
)
def test_what_is_no_address(url):
    assert f"'{url}' is not an engine's address" in sentence(EngineClient, url, "token")


def test_a_password_in_an_address_is_in_no_message_and_takes_no_tokens_place(monkeypatch):
    nobody = f"127.0.0.1:{free_port()}"
    for password in ("s3cret", "s3/s3cret", "s3@s3cret", "s3#s3cret"):
        for address in (f"http://anna:{password}@engine", f"anna:{password}@engine", f"ftp://{password}@x"):
            assert "s3" not in sentence(EngineClient, address, "token")
        assert "s3" not in sentence(EngineClient, f"https://anna:{password}@engine", "tok en")
        client = EngineClient(f"http://anna:{password}@{nobody}", "token")
        assert "s3" not in client.url + sentence(client.health, kind=EngineUnreachable)
        monkeypatch.setenv("https_proxy", f"http://anna:{password}@{nobody}")
        assert "s3" not in sentence(
            EngineClient("https://engine.invalid", "token").health, kind=EngineUnreachable
        )
    with answering(200, json.dumps(HEALTH).encode()) as client:
        EngineClient(client.url.replace("//", "//anna:s3cret@"), "geheim").health()
        assert client.requests[0][2]["Authorization"] == "Bearer geheim"


def test_another_token(engine):
    client = EngineClient(engine.url, "falsch")
    said = sentence(client.health, kind=RequestRefused)
    assert (
        said
        == f"the engine refuses the token ({engine.url}). Enter the token that this engine was started with."
    )


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b"<html>router</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b"\xff"),
        (404, b"nothing"),
        (302, b""),
        (200, b'{"version": "' + isa_engine.__version__.encode() + b'", "models": 3}'),
        (403, b'{"error"'),
    ],
)
def test_a_stranger(status, content):
    with answering(status, content, Location="/elsewhere") as client:
        said = sentence(client.health)
        assert said.startswith("what answers there is not an ISA engine (http://")
        assert said.endswith("). Check the address.")
        assert len(client.requests) == 1


def test_an_engine_of_another_version():
    with answering(200, json.dumps({**HEALTH, "version": "99.1.0", "models": None}).encode()) as client:
        said = sentence(client.health)
        ours = isa_engine.__version__
        assert said.startswith(f"version 99.1.0 runs there, and this is version {ours} (http://")
        assert said.endswith("). Update the older of the two.")
        sentence(client.submit, b"shot")
        assert {method for method, *_ in client.requests} == {"GET"}


def test_another_patch_version_that_says_more_is_fine():
    version = ".".join([*isa_engine.__version__.split(".")[:2], "99"])
    with answering(200, json.dumps({**HEALTH, "version": version, "new": 1}).encode()) as client:
        assert client.health().version == version


@pytest.mark.parametrize(("status", "kind"), [(500, "engine"), (507, "disk")])
def test_an_engine_that_fails(status, kind):
    with (
        answering(status, b'{"error": "The disk is full."}') as client,
        pytest.raises(
            RequestRefused, match=r"^the engine failed \(http://\S+\)\. The disk is full\.$"
        ) as said,
    ):
        client.job("a")
    assert said.value.kind == kind


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize(
    "page", [b"<html>Bad Gateway</html>", b'{"error": "Another program has locked it."}']
)
def test_what_a_proxy_says_while_the_engine_starts_again_passes(status, page):
    with answering(status, page) as client:
        said = sentence(client.job, "a", kind=EngineUnreachable)
        assert said.startswith("the engine does not answer now (http://")


def test_the_token_goes_in_the_clear_to_nobody_who_is_not_allowed_by_name(monkeypatch):
    for url in ("http://engine.studio.example:8642", "http://192.168.1.5:8642", "http://localhost.example"):
        assert "would travel in the clear" in sentence(EngineClient, url, "geheim")
    EngineClient("https://engine.studio.example", "geheim").close()
    for host in ("127.0.0.1", "localhost", "[::1]"):
        EngineClient(f"http://{host}:8642", "geheim").close()
    monkeypatch.setenv("ISA_ENGINE_PLAIN_HOSTS", "render-7, engine.studio.example")
    EngineClient("http://engine.studio.example:8642", "geheim").close()
    sentence(EngineClient, "http://render-70:8642", "geheim")


def test_an_engine_is_known_by_the_secret_of_its_run(engine):
    token, identity = engine.first_line["token"], engine.first_line["identity"]
    assert EngineClient(engine.url, token, identity=identity).health().version
    assert "another program answers there" in sentence(
        EngineClient(engine.url, token, identity="another's").health
    )


@pytest.mark.parametrize(
    "answer", ["{}", "[]", '{"proof": 1}', '{"proof": "é"}', "x", '{"proof": "0"}' + " " * 9000]
)
def test_who_gives_no_proof_hears_no_token(answer):
    with answering(200, answer.encode()) as stranger:
        client = EngineClient(stranger.url, "geheim", identity="identity")
        assert "another program answers there" in sentence(client.health)
        assert not any("Authorization" in headers for _, _, headers, _ in stranger.requests)


def test_a_refusal_is_the_engines_own_sentence(engine):
    assert sentence(engine.client.job, "unknown", kind=RequestRefused) == "This engine has no such job"
    with pytest.raises(RequestRefused) as said:
        engine.client.submit(b"not a shot")
    error = said.value
    assert (error.kind, error.problem, error.where) == ("shot", "the file is not a whole shot", "shot")
    assert str(error).endswith(f"(shot). {error.remedy}")
    assert error.remedy


@pytest.mark.parametrize(("status", "kind"), [(404, "unknown"), (409, "request"), (429, "request")])
def test_an_engine_that_refuses_in_a_sentence_alone_is_understood(status, kind):
    with answering(status, b'{"error": "There is no such job."}') as client:
        assert sentence(client.job, "a", kind=RequestRefused) == "There is no such job."
        with pytest.raises(RequestRefused) as said:
            client.job("a")
    assert said.value.kind == kind


def test_a_shot_above_the_limit_is_not_sent():
    with answering(200, json.dumps(HEALTH).encode()) as client:
        said = sentence(client.submit, bytes(2**20 + 2**19))
        assert said.startswith("the shot has 1.5 MiB, this engine takes 1.0 MiB (http://")
        assert said.endswith("). Shorten the take, or lower its Detail or Plate Scale.")
        assert [method for method, *_ in client.requests] == ["GET"]


def test_the_token_goes_to_the_engine_and_neither_proxies_nor_netrc_come_between(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login anna password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with answering(200, json.dumps(HEALTH).encode()) as client:
        client.health()
        assert client.requests[0][2]["Authorization"] == "Bearer geheim"


def test_a_remote_engine_is_reached_through_the_studios_proxy_with_its_own_token(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine engine.invalid login anna password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with answering(200, json.dumps(HEALTH).encode()) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("ISA_ENGINE_PLAIN_HOSTS", "engine.invalid")
        EngineClient("http://engine.invalid", "geheim").health()
        assert proxy.requests[0][1] == "http://engine.invalid/v1/health"
        assert proxy.requests[0][2]["Authorization"] == "Bearer geheim"


def test_a_result_that_breaks_off_leaves_the_older_one(tmp_path):
    (tmp_path / "plate.mp4").write_bytes(b"older")
    with answering(200, b"half of it", Content_Length="20") as client:
        sentence(client.fetch, "a", "plate.mp4", tmp_path / "plate.mp4", kind=EngineUnreachable)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("plate.mp4", b"older")]


def test_a_full_disk_leaves_the_older_result_and_says_so(engine, tmp_path):
    job = engine.client.submit(upload(FAST))
    eventually(lambda: engine.client.job(job).state == "done", "the job is done")
    (tmp_path / "plate.mp4").write_bytes(b"older")
    with room_for(300_000):
        said = sentence(engine.client.fetch, job, "plate.mp4", tmp_path / "plate.mp4")
    assert said.startswith(f"cannot write plate.mp4: File too large ({tmp_path}). Free some space")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("plate.mp4", b"older")]


def test_a_folder_that_is_not_there_is_said(engine, tmp_path):
    job = engine.client.submit(upload(FAST))
    eventually(lambda: engine.client.job(job).state == "done", "the job is done")
    said = sentence(engine.client.fetch, job, "plate.mp4", tmp_path / "nowhere" / "plate.mp4")
    assert "cannot write plate.mp4: No such file or directory" in said
