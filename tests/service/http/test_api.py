"""What the HTTP application answers, and to whom."""

import asyncio
import errno
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

import isa_engine
from isa_engine.client.protocol import RESULTS, Memory, Refusal, ResultFile
from isa_engine.configuration import MODELS, weights
from isa_engine.models import HERE
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.api import create_app
from isa_engine.service.http.engine_routes import model_info
from isa_engine.service.http.upload import Uploads
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.shot import Settings, encode_shot
from tests.service.running import upload
from tests.service.uploads import mutated
from tests.shot.shots import small_shot, with_header

SHOT = upload(kind=0)
# What every refusal has.
FORM = [field.name for field in fields(Refusal)]


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path of the OpenAPI document, and the document itself."""
    paths = app.openapi()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return [*found, ("GET", app.openapi_url), ("GET", "/nothing"), ("GET", "/v1/nothing")]


def test_a_job_has_a_name_of_128_random_bits(api):
    jobs = {submit(api) for _ in range(5)}
    assert len(jobs) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", job) for job in jobs)


def submit(api) -> str:
    return api.post("/v1/jobs", content=SHOT).json()["id"]


@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        "secret",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer secret ",
        "bearer Secret",
        "Bearersecret",
        "Basic secret",
    ],
)
def test_no_route_answers_without_the_token(api, store, shown):
    job = submit(api)
    headers = {} if shown is None else {"Authorization": shown}
    api.headers.pop("Authorization")
    assert len(routes(api.app)) >= 15
    for method, path in routes(api.app):
        path = path.format(job=job, name="plate.mp4", number=0)
        answer = api.request(method, path, headers=headers, content=SHOT if method == "POST" else None)
        assert answer.status_code == 401, path
        assert list(answer.json()) == FORM
        assert job not in answer.text
    assert store.jobs() == [job]
    assert store.status(job).state == "queued"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bearer  "])
def test_the_scheme_before_a_token_is_the_same_in_any_case(api, scheme):
    assert api.get("/v1/jobs", headers={"Authorization": f"{scheme} secret"}).status_code == 200


def test_health_tells_version_models_and_limits(api, store):
    health = api.get("/v1/health").json()
    assert health["version"] == isa_engine.__version__
    assert (health["worker"], health["device"], health["upload_limit"]) == ("stopped", "", 2**20)
    assert [model["name"] for model in health["models"]] == list(MODELS)
    tiny = health["models"][0]
    config = MODELS["isa-tiny"]()
    assert (tiny["short_side"], tiny["multiple"], tiny["max_frames"]) == (
        128,
        config.multiple,
        config.max_frames,
    )
    assert health["memory"] is None
    store.set_worker("ready", "cuda:0", 0, Memory(30 * 2**30, 40 * 2**30))
    store.set_worker("ready", "cuda:1", 1, Memory(20 * 2**30, 24 * 2**30))
    health = api.get("/v1/health").json()
    assert (health["worker"], health["device"]) == ("ready", "cuda:0,cuda:1")
    assert health["memory"] == {"free": 20 * 2**30, "total": 24 * 2**30}


def test_models_are_called_trained_exactly_where_the_pipeline_finds_weights(monkeypatch, tmp_path):
    from isa_engine.pipeline.isa import model as pipeline_model
    from isa_engine.pipeline.isa import painter

    (tmp_path / "weights" / "isa-small").mkdir(parents=True)
    (tmp_path / "weights" / "isa-small" / pipeline_model.CARD).write_text("{}")
    (tmp_path / "weights" / "isa-4b").mkdir()
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path / "weights")
    assert [name for name in MODELS if model_info(name).state == HERE] == ["isa-small"]
    for name in MODELS:
        assert (model_info(name).state == HERE) == (painter.weights_folder(name) is not None)


def test_a_shot_is_queued_as_it_came(api, store, folders):
    answer = api.post("/v1/jobs", content=SHOT)
    assert answer.status_code == 201
    job = answer.json()["id"]
    assert re.fullmatch("[0-9a-f]{32}", job)
    assert api.get(f"/v1/jobs/{job}").json()["state"] == "queued"
    assert folders.shot(job).read_bytes() == SHOT


def unchanged(api, store, folders) -> bool:
    return not store.jobs() and not any(folders.uploads.iterdir()) and not any(folders.jobs.iterdir())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is not a whole shot (shot). Write it again; the file is truncated or not a shot."),
        (b"PK\x03\x04 hello", "the file is not a whole shot (shot)."),
        (SHOT[: len(SHOT) // 2], "the file is not a whole shot (shot)."),
        (
            with_header(SHOT, {"version": 99}),
            "shot version is 99, this engine reads up to",
        ),
        (
            encode_shot(small_shot(settings=Settings(model="isa-huge"))),
            "there is no model 'isa-huge'. Choose one of: isa-tiny, isa-small, isa-4b.",
        ),
    ],
    ids=["empty", "foreign", "truncated", "newer", "unknown model"],
)
def test_what_is_not_a_shot_for_this_engine_is_refused_with_the_reason(
    api, store, folders, content, sentence
):
    answer = api.post("/v1/jobs", content=content)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(sentence)
    assert str(folders.root) not in answer.text
    assert unchanged(api, store, folders)


def test_an_upload_that_declares_too_much_is_refused_before_it_is_read(api, store, folders):
    read = []

    def body():
        read.append(True)
        yield b"x"

    answer = api.post("/v1/jobs", content=body(), headers={"Content-Length": str(2**20 + 1)})
    assert answer.status_code == 413
    said = "The shot is larger than the 1 MiB that this engine takes. Shorten the take, or lower"
    assert said in answer.json()["error"]
    assert unchanged(api, store, folders)


def receive(folders: Folders, messages: Iterator[dict]) -> tuple[int, int]:
    """Status of the refusal of an upload made of these ASGI messages, and how many of them were taken."""
    taken = 0

    async def next_message():
        nonlocal taken
        taken += 1
        return next(messages)

    request = Request({"type": "http", "method": "POST", "headers": []}, next_message)
    with pytest.raises(HTTPException) as refusal:
        asyncio.run(Uploads(folders, ServiceConfig(upload_mib=1)).receive(request, "name", ""))
    return refusal.value.status_code, taken


def test_an_upload_that_does_not_say_how_long_it_is_is_cut_at_the_limit(folders):
    chunk = {"type": "http.request", "body": bytes(2**16), "more_body": True}
    assert receive(folders, itertools.repeat(chunk, 100)) == (413, 17)
    assert not any(folders.uploads.iterdir())


def test_an_upload_that_breaks_off_leaves_nothing(folders):
    start = {"type": "http.request", "body": SHOT[:100], "more_body": True}
    assert receive(folders, iter([start, {"type": "http.disconnect"}])) == (408, 2)
    assert not any(folders.uploads.iterdir())


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(random=st.randoms())
def test_mutated_uploads_are_taken_as_shots_or_refused_with_a_sentence(api, random):
    answer = api.post("/v1/jobs", content=mutated(SHOT, random))
    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 422:
        assert len(answer.json()["error"]) > 10


def test_what_there_is_not_is_404(api):
    job = submit(api)
    for path in (
        "/v1/jobs/unknown",
        f"/v1/jobs/{job}x",
        "/v1/jobs/..",
        f"/v1/jobs/{job}/nothing",
        "/v1/nothing",
    ):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["kind"]) == (404, "unknown"), path
    assert api.post("/v1/jobs/unknown/cancel").json() == {
        **{"error": "This engine has no such job.", "problem": "This engine has no such job"},
        **{"where": "", "remedy": "", "kind": "unknown"},
    }
    assert api.get(f"/v1/jobs/{job}/preview").status_code == 404
    assert api.put(f"/v1/jobs/{job}").status_code == 405
    assert list(api.put(f"/v1/jobs/{job}").json()) == FORM


@pytest.mark.parametrize(
    "name", ["shot.txt", "..%2Fshot.npz", "%2e%2e%2fshot.npz", "%2Fetc%2Fpasswd", "preview.png", "x\0"]
)
def test_only_results_of_the_list_can_be_named(api, store, folders, name):
    job = submit(api)
    claim = store.claim()
    folders.results(job, claim.attempt).mkdir()
    # Not even where the queue has such a row.
    plain = name.replace("%2F", "/")
    (folders.results(job, claim.attempt) / "preview.png").write_bytes(b"x")
    store.finish(claim, "done", results=(ResultFile(plain, 1, hashlib.sha256(b"x").hexdigest()),))
    answer = api.get(f"/v1/jobs/{job}/results/{name.replace(chr(0), '%00')}")
    assert answer.status_code == 404
    assert list(answer.json()) == FORM


def test_results_are_those_of_the_attempt_that_ended_well(api, store, folders):
    job = submit(api)
    for content in (b"first", b"second"):
        claim = store.claim()
        folders.results(job, claim.attempt).mkdir()
        for name in RESULTS:
            (folders.results(job, claim.attempt) / name).write_bytes(content)
        if claim.attempt == 1:
            store.recover()
    listed = ResultFile("plate.mp4", len(b"second"), hashlib.sha256(b"second").hexdigest())
    store.finish(claim, "done", results=(listed,))
    answer = api.get(f"/v1/jobs/{job}/results/plate.mp4")
    assert (answer.content, answer.headers["content-type"]) == (b"second", "video/mp4")


def test_a_full_disk_is_said_and_leaves_nothing_half_written(api, store, folders, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        answer = api.post("/v1/jobs", content=SHOT)
    assert answer.status_code == 507
    assert answer.json()["error"] == "The engine's disk is full. Free some space in its data folder."
    assert unchanged(api, store, folders)
    assert api.post("/v1/jobs", content=SHOT).status_code == 201


def test_a_mistake_of_ours_is_a_sentence_without_its_details(store, folders, monkeypatch):
    app = create_app(store, folders, "secret")
    monkeypatch.setattr(store, "workers", lambda: 1 / 0)
    client = TestClient(app, headers={"Authorization": "Bearer secret"}, raise_server_exceptions=False)
    answer = client.get("/v1/health")
    assert answer.status_code == 500
    assert answer.json()["error"] == "The engine made a mistake. Its log says more."
    assert answer.json()["kind"] == "engine"


def test_the_service_does_not_load_torch():
    code = "import sys, json, isa_engine.service.server; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert "isa_engine.service.http.api" in loaded
    assert not {"torch", "diffusers", "av", "PIL"} & set(loaded)
