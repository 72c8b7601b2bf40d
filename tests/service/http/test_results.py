"""Results come whole or in ranges, and always with their checksum."""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from isa_engine.client import EngineClient, EngineUnreachable
from isa_engine.client.protocol import ResultFile
from isa_engine.errors import EngineError
from isa_engine.service.upkeep.inspection import glance_at_all
from tests.service.client.test_client import served
from tests.service.http.test_api import submit

CONTENT = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def done(api, store, folders) -> str:
    """Path of a finished job's plate."""
    job = submit(api)
    claim = store.claim()
    out = folders.results(job, claim.attempt)
    out.mkdir()
    (out / "plate.mp4").write_bytes(CONTENT)
    store.finish(claim, "done", results=(ResultFile("plate.mp4", len(CONTENT), DIGEST),))
    return f"/v1/jobs/{job}/results"


def test_a_whole_result_has_its_checksum_in_its_headers_and_in_the_list(api, done):
    answer = api.get(f"{done}/plate.mp4")
    assert answer.content == CONTENT
    assert answer.headers["ETag"] == f'"{DIGEST}"'
    encoded = base64.b64encode(bytes.fromhex(DIGEST)).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{encoded}:"
    assert api.get(done).json() == [{"name": "plate.mp4", "bytes": len(CONTENT), "sha256": DIGEST}]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("bytes=0-9", CONTENT[:10]), ("bytes=100-", CONTENT[100:]), ("bytes=-7", CONTENT[-7:])],
)
def test_a_range_is_that_part_of_it(api, done, asked, expected):
    answer = api.get(f"{done}/plate.mp4", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, expected)


def test_a_range_of_another_file_is_the_whole_of_this_one(api, done):
    headers = {"Range": "bytes=100-", "If-Range": '"another"'}
    assert api.get(f"{done}/plate.mp4", headers=headers).content == CONTENT
    headers["If-Range"] = f'"{DIGEST}"'
    assert api.get(f"{done}/plate.mp4", headers=headers).content == CONTENT[100:]


def test_a_range_beyond_the_end_is_refused(api, done):
    answer = api.get(f"{done}/plate.mp4", headers={"Range": f"bytes={len(CONTENT)}-"})
    assert answer.status_code == 416


def test_a_deleted_job_is_gone_with_its_files(api, done, folders):
    job = done.split("/")[3]
    assert api.delete(f"/v1/jobs/{job}").status_code == 204
    assert api.get(f"{done}/plate.mp4").status_code == 404
    assert not any(folders.jobs.iterdir())


def breaking(asked: list, damage: bool = False):
    """A server that sends half of what is asked for and hangs up, the first two times."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.headers.get("Range"), self.headers.get("If-Range")))
            start = int(self.headers["Range"][6:-1]) if "Range" in self.headers else 0
            rest = CONTENT[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.send_header("ETag", f'"{DIGEST}"')
            self.send_header("Repr-Digest", f"sha-256=:{base64.b64encode(bytes.fromhex(DIGEST)).decode()}:")
            self.end_headers()
            sent = rest[: len(rest) // 2] if len(asked) < 3 else rest
            self.wfile.write(bytes(len(sent)) if damage else sent)

        def log_message(self, *arguments):
            pass

    return Handler


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path):
    asked = []
    with served(breaking(asked)) as url:
        EngineClient(url, "token").fetch("a", "plate.mp4", tmp_path / "plate.mp4")
    half = len(CONTENT) // 2
    assert asked == [
        (None, None),
        (f"bytes={half}-", f'"{DIGEST}"'),
        (f"bytes={half + half // 2}-", f'"{DIGEST}"'),
    ]
    assert (tmp_path / "plate.mp4").read_bytes() == CONTENT


def test_a_download_that_was_damaged_is_not_kept(tmp_path):
    with (
        served(breaking([], damage=True)) as url,
        pytest.raises(
            EngineError, match=r"damaged however often it is fetched.*generate the take again"
        ) as said,
    ):
        EngineClient(url, "token").fetch("a", "plate.mp4", tmp_path / "plate.mp4")
    # Whoever is told that the engine is out of reach asks for ever.
    assert not isinstance(said.value, EngineUnreachable)
    assert not list(tmp_path.iterdir())


class Growing(type(Path())):
    """A file to which a worker adds a line whenever somebody asks how long it is."""

    def stat(self, **options):
        found = super().stat(**options)
        with self.open("a") as file:
            file.write("denoise: 30 steps\n")
        return found


def test_a_log_that_grows_while_it_is_read_comes_as_it_was(api, folders, monkeypatch):
    job = submit(api)
    log = Growing(folders.log(job))
    log.write_text("attempt 1 begins\n")
    monkeypatch.setattr(folders, "log", lambda _: log)
    answer = api.get(f"/v1/jobs/{job}/log")
    assert answer.text.startswith("attempt 1 begins\n")
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("damage", ["empty", "gone", "changed"])
def test_a_result_that_is_damaged_on_the_disk_is_never_handed_out_and_the_job_can_be_queued_again(
    api, done, folders, store, damage
):
    job = done.split("/")[3]
    [plate] = folders.jobs.glob(f"{job}/results-*/plate.mp4")
    assert api.get(f"{done}/plate.mp4").content == CONTENT
    if damage == "gone":
        plate.unlink()
    else:
        plate.write_bytes(b"" if damage == "empty" else CONTENT[::-1])
    answer = api.get(f"{done}/plate.mp4")
    assert (answer.status_code, f"isa-engine requeue {job}" in answer.json()["error"]) == (409, True)
    status = api.get(f"/v1/jobs/{job}").json()
    assert (status["state"], status["error"]) == ("failed", answer.json()["error"])
    assert api.post(f"/v1/jobs/{job}/requeue").json()["state"] == "queued"
    assert api.post(f"/v1/jobs/{job}/requeue").status_code == 409
    assert store.claim().id == job


def test_damaged_results_are_found_at_the_start(done, store, folders):
    assert glance_at_all(store, folders) == []
    next(folders.jobs.glob("*/results-*/plate.mp4")).write_bytes(b"")
    [job] = glance_at_all(store, folders)
    assert store.status(job).state == "failed"
    assert "plate.mp4 has 0 of its 1048576 bytes" in store.status(job).error


def test_the_document_describes_every_route_and_its_refusals(api):
    document = api.get("/v1/openapi.json").json()
    assert {"/v1/jobs", "/v1/jobs/{job}/events", "/v1/models", "/v1/ready"} <= set(document["paths"])
    assert "JobStatus" in json.dumps(document["components"])
