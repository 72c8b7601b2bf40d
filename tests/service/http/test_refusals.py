"""Every error has the one form, whoever found it: the routes, the framework, or the file that is sent."""

import errno
import hashlib
import os

import pytest
from starlette.testclient import TestClient

from isa_engine.client.protocol import ResultFile
from isa_engine.service.http import job_routes
from isa_engine.service.http.api import create_app
from isa_engine.service.operation.configuration import ServiceConfig
from tests.service.http.test_api import SHOT, routes
from tests.service.running import in_time, upload

BYTES = bytes(1000)


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


def form(answer) -> int:
    """The status of an error in the one form."""
    assert answer.headers["content-type"] == "application/json", answer.text
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].endswith(".")
    assert int(answer.headers["content-length"]) == len(answer.content)
    return answer.status_code


@pytest.mark.parametrize(
    ("status", "method", "path", "options"),
    [
        (400, "GET", "/jobs/{done}/results/plate.mp4", {"headers": {"Range": "bytes=x-y"}}),
        (400, "GET", "/jobs/{done}/results/plate.mp4", {"headers": {"Range": "pages=1-2"}}),
        (400, "POST", "/jobs", {"headers": {"Content-Length": "x"}}),
        (401, "GET", "/jobs", {"headers": {"Authorization": "Bearer wrong"}}),
        (404, "GET", "/nothing", {}),
        (404, "GET", "/jobs/", {}),
        (404, "GET", "/jobs/{waiting}/preview", {}),
        (404, "GET", "/jobs/{done}/results/other.mp4", {}),
        (405, "PUT", "/jobs", {}),
        (409, "GET", "/jobs/{waiting}/results/plate.mp4", {}),
        (409, "DELETE", "/jobs/{waiting}", {}),
        (409, "POST", "/jobs", {"content": upload(kind=1), "headers": {"Idempotency-Key": "used"}}),
        (413, "POST", "/jobs", {"content": bytes(2**20 + 1)}),
        (416, "GET", "/jobs/{done}/results/plate.mp4", {"headers": {"Range": "bytes=1000-"}}),
        (422, "GET", "/jobs?limit=0", {}),
        (422, "POST", "/jobs", {"content": b"no shot"}),
        (429, "POST", "/jobs", {"content": SHOT}),
        (503, "GET", "/jobs/{waiting}/events", {}),
    ],
)
def test_an_error_has_the_one_form(client, jobs, monkeypatch, status, method, path, options):
    done, waiting = jobs
    monkeypatch.setattr(job_routes, "STREAMS", 0)
    asked = "/v1" + path.format(done=done, waiting=waiting)
    answer = in_time(lambda: client.request(method, asked, **options), "an answer, and no stream without end")
    assert form(answer) == status


def test_a_range_beyond_the_end_says_where_the_end_is(client, jobs):
    path = f"/v1/jobs/{jobs[0]}/results/plate.mp4"
    answer = client.get(path, headers={"Range": "bytes=1000-"})
    assert answer.headers["content-range"] == "bytes */1000"


def test_a_method_that_a_route_does_not_have_is_refused_in_the_one_form(client):
    for _, path in routes(client.app):
        assert form(client.request("PUT", path.format(job="a", name="plate.mp4", number=0))) in (404, 405), (
            path
        )
