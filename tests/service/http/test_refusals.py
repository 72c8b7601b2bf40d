"""Every error has the one form, whoever found it: the routes, the framework, or the file that is sent."""

import errno
import hashlib
import os
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from isa_engine.client.protocol import REFUSALS, Refusal, ResultFile
from isa_engine.errors import IsaError
from isa_engine.service.http import job_routes
from isa_engine.service.http.api import create_app
from isa_engine.service.operation.configuration import ServiceConfig
from tests.service.http.test_api import SHOT, routes
from tests.service.running import in_time, upload

BYTES = bytes(1000)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def client(store, folders):
    app = create_app(store, folders, "secret", ServiceConfig(upload_mib=1, jobs_per_token=1))
    with TestClient(app, headers={"Authorization": "Bearer secret"}, follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("number", [errno.EROFS, errno.ESTALE, errno.ENOENT, errno.EMFILE, errno.EIO])
def test_a_host_that_is_ill_asks_for_patience_and_blames_no_request(client, folders, monkeypatch, number):
    def ill(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(folders, "received", ill)
    answer = client.post("/v1/jobs", content=SHOT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert os.strerror(number) in answer.json()["error"]


@pytest.fixture
def jobs(client, store, folders) -> tuple[str, str]:
    """A job that is done, and one that waits."""
    done = client.post("/v1/jobs", content=SHOT).json()["id"]
    claim = store.claim()
    out = folders.results(done, claim.attempt)
    out.mkdir()
    (out / "plate.mp4").write_bytes(BYTES)
    store.finish(
        claim, "done", results=(ResultFile("plate.mp4", len(BYTES), hashlib.sha256(BYTES).hexdigest()),)
    )
    answer = client.post("/v1/jobs", content=SHOT, headers={"Idempotency-Key": "used"})
    return done, answer.json()["id"]


def form(answer) -> tuple[int, str]:
    """Status and kind of an error in the one form."""
    assert answer.headers["content-type"] == "application/json", answer.text
    said = Refusal(**answer.json())
    whole = str(IsaError(said.problem, where=said.where, remedy=said.remedy))
    assert said.problem
    assert said.error.removesuffix(".") == whole.removesuffix(".")
    assert said.error.endswith(".")
    assert int(answer.headers["content-length"]) == len(answer.content)
    # What the framework refuses has a status of its own.
    assert answer.status_code == REFUSALS[said.kind] or said.kind == "request"
    return answer.status_code, said.kind


@pytest.mark.parametrize(
    ("status", "kind", "method", "path", "options"),
    [
        (400, "request", "GET", "/jobs/{done}/results/plate.mp4", {"headers": {"Range": "bytes=x-y"}}),
        (400, "request", "GET", "/jobs/{done}/results/plate.mp4", {"headers": {"Range": "pages=1-2"}}),
        (400, "request", "POST", "/jobs", {"headers": {"Content-Length": "x"}}),
        (401, "token", "GET", "/jobs", {"headers": {"Authorization": "Bearer wrong"}}),
        (404, "unknown", "GET", "/nothing", {}),
        (404, "unknown", "GET", "/jobs/", {}),
        (404, "unknown", "GET", "/jobs/{waiting}/preview", {}),
        (404, "unknown", "GET", "/jobs/{done}/results/other.mp4", {}),
        (405, "request", "PUT", "/jobs", {}),
        (409, "state", "GET", "/jobs/{waiting}/results/plate.mp4", {}),
        (409, "state", "DELETE", "/jobs/{waiting}", {}),
        (409, "key", "POST", "/jobs", {"content": upload(kind=1), "headers": {"Idempotency-Key": "used"}}),
        (413, "size", "POST", "/jobs", {"content": bytes(2**20 + 1)}),
        (416, "request", "GET", "/jobs/{done}/results/plate.mp4", {"headers": {"Range": "bytes=1000-"}}),
        (422, "request", "GET", "/jobs?limit=0", {}),
        (422, "shot", "POST", "/jobs", {"content": b"no shot"}),
        (429, "quota", "POST", "/jobs", {"content": SHOT}),
        (503, "busy", "GET", "/jobs/{waiting}/events", {}),
    ],
)
def test_an_error_has_the_one_form(client, jobs, monkeypatch, status, kind, method, path, options):
    done, waiting = jobs
    monkeypatch.setattr(job_routes, "STREAMS", 0)
    asked = "/v1" + path.format(done=done, waiting=waiting)
    answer = in_time(lambda: client.request(method, asked, **options), "an answer, and no stream without end")
    assert form(answer) == (status, kind)


def test_a_range_beyond_the_end_says_where_the_end_is(client, jobs):
    path = f"/v1/jobs/{jobs[0]}/results/plate.mp4"
    answer = client.get(path, headers={"Range": "bytes=1000-"})
    assert answer.headers["content-range"] == "bytes */1000"


def test_a_method_that_a_route_does_not_have_is_refused_in_the_one_form(client):
    for _, path in routes(client.app):
        status, kind = form(client.request("PUT", path.format(job="a", name="plate.mp4", number=0)))
        assert (status, kind) in ((404, "unknown"), (405, "request")), path


def test_every_kind_of_refusal_is_in_the_manual_with_its_status():
    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    table = text.partition("| kind | status |")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (\d+)", table, re.M)) == {
        kind: str(status) for kind, status in REFUSALS.items()
    }
