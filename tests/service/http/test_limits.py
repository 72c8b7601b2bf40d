"""What is too much, or too slow, is refused before it costs anything."""

import asyncio
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from isa_engine.client.protocol import MAX_SENTENCE
from isa_engine.errors import ShotError
from isa_engine.service.http import upload as upload_module
from isa_engine.service.http.api import create_app
from isa_engine.service.http.bodies import MAX_BODY
from isa_engine.service.http.upload import Uploads
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.shot import encode_shot, read_shot
from isa_engine.shot.validation import MAX_NAME, MAX_SPAN
from tests.pipeline.shots import footage
from tests.service.http.test_api import SHOT
from tests.service.running import in_time
from tests.shot.shots import small_shot

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"frames": 2}, "3 frames are too many (shot). This engine takes 2 at most."),
        (
            {"pixels": 128 * 128 - 1},
            "16384 pixels a frame are too many (shot). This engine takes 16383 at most.",
        ),
    ],
)
def test_a_shot_above_the_engines_limits_is_refused_at_the_door(store, folders, limits, sentence):
    client = TestClient(create_app(store, folders, "secret", ServiceConfig(**limits)))
    answer = client.post("/v1/jobs", content=SHOT, headers={"Authorization": "Bearer secret"})
    assert (answer.status_code, answer.json()["error"]) == (422, sentence)
    assert store.jobs() == []
    assert not any(folders.uploads.iterdir())


def test_a_larger_plate_counts_as_the_pixels_that_it_has(store, folders):
    shot = read_shot(SHOT)
    larger = encode_shot(replace(shot, settings=replace(shot.settings, plate_scale=2)))
    client = TestClient(create_app(store, folders, "secret", ServiceConfig(pixels=4 * 128 * 128 - 1)))
    answer = client.post("/v1/jobs", content=larger, headers={"Authorization": "Bearer secret"})
    refusal = "65536 pixels a frame are too many (shot). This engine takes 65535 at most. Use a smaller scale"
    assert (answer.status_code, refusal in answer.json()["error"]) == (422, True)
    answer = client.post("/v1/jobs", content=SHOT, headers={"Authorization": "Bearer secret"})
    assert answer.status_code < 300


def test_a_shot_is_not_unpacked_to_more_than_an_upload_may_have(store, folders):
    shot = small_shot()
    packed = encode_shot(
        replace(shot, references=tuple(picture + bytes(2**20) for picture in shot.references))
    )
    client = TestClient(create_app(store, folders, "secret", ServiceConfig(upload_mib=0.5)))
    assert len(packed) < 2**19
    answer = client.post("/v1/jobs", content=packed, headers={"Authorization": "Bearer secret"})
    refusal = r"bytes are more than the limit of 524288 \(shot\)\. Shorten the take, or lower its Detail"
    assert answer.status_code == 422
    assert re.search(refusal, answer.json()["error"])


def test_footage_that_is_too_short_or_none_is_refused_at_the_door(api, store):
    shot, remedy = small_shot(), "Use longer footage or shorten the range."
    for background, answered in (
        (footage(shot.frames), ""),
        (
            footage(shot.frames - 1),
            f"the video has 2 frames and the shot 3 (shot, field 'background'). {remedy}",
        ),
        (b"nothing", "the video cannot be decoded (shot, field 'background'). Save it as H.264 in MP4."),
    ):
        answer = api.post("/v1/jobs", content=encode_shot(replace(shot, background=background)))
        if answered:
            assert answer.status_code == 422
            assert answer.json()["error"] == answered
        else:
            assert answer.status_code == 201
    assert len(store.jobs()) == 1


def test_what_is_no_upload_has_a_small_body_and_is_read_no_further(api, store):
    store.add("a")

    def long():
        for _ in range(100):
            yield b" " * MAX_BODY

    for method, path in (("PATCH", "/v1/jobs/a"), ("POST", "/v1/jobs/a/cancel"), ("GET", "/v1/jobs")):
        answer = api.request(method, path, content=long(), headers={"Content-Type": "application/json"})
        assert answer.status_code == (413 if method == "PATCH" else 200), path


def test_a_name_has_a_length(api):
    shot = small_shot()
    long = replace(shot, characters=(replace(shot.characters[0], name="A" * (MAX_NAME + 1)),))
    with pytest.raises(ShotError, match="a character's name has 1025 letters"):
        encode_shot(long)


def test_no_sentence_is_longer_than_a_client_reads(api):
    answer = api.get("/v1/jobs", params={"state": "x" * 5000, "before": "y" * 5000, "limit": "z" * 5000})
    assert (answer.status_code, len(answer.json()["error"]) <= MAX_SENTENCE) == (422, True)


def test_frames_far_apart_are_refused_at_the_door(api):
    shot = small_shot()
    far = np.arange(shot.frames, dtype=np.int32) * (MAX_SPAN // (shot.frames - 1) + 1)
    with pytest.raises(ShotError, match="frames of the scene"):
        encode_shot(replace(shot, frame_numbers=far))
    encode_shot(replace(shot, frame_numbers=np.arange(shot.frames, dtype=np.int32) * 100))


def test_an_upload_is_written_by_threads_and_not_by_the_event_loop(folders, monkeypatch):
    writers, write = set(), Uploads._write

    def noted(*arguments):
        writers.add(threading.current_thread())
        write(*arguments)

    monkeypatch.setattr(Uploads, "_write", noted)
    monkeypatch.setattr(upload_module, "WRITE_BYTES", 100)
    parts = iter([SHOT[start : start + 99] for start in range(0, len(SHOT), 99)])

    async def receive():
        part = next(parts, None)
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    async def receiving():
        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        await Uploads(folders, ServiceConfig()).receive(request, "name", "")
        return threading.current_thread()

    loop = asyncio.run(receiving())
    assert writers
    assert loop not in writers
    assert (folders.uploads / "name").read_bytes() == SHOT


def test_many_uploads_at_once_fill_no_more_than_a_token_may_keep(folders):
    """None of them is a job yet."""
    uploads = Uploads(folders, ServiceConfig(gib_per_token=3 / 2**10))

    async def send(number: int, owner: str) -> int:
        messages = iter([{"type": "http.request", "body": bytes(2**18), "more_body": True}] * 4)

        async def message():
            await asyncio.sleep(0)
            return next(messages, {"type": "http.disconnect"})

        request = Request({"type": "http", "method": "POST", "headers": []}, message)
        with pytest.raises(HTTPException) as refusal:
            await uploads.receive(request, f"{owner}{number}", owner)
        return refusal.value.status_code

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(send(each, "a") for each in range(8)), send(0, "b"))

    *flood, other = asyncio.run(all_at_once())
    assert 429 in flood
    assert other == 408, "another token's broke off, and was not refused"
    assert asyncio.run(send(9, "a")) == 408, "what broke off counts no more"


def test_an_upload_leaves_the_room_that_jobs_need(api, folders, monkeypatch):
    usage = shutil.disk_usage(folders.root)
    monkeypatch.setattr(upload_module.shutil, "disk_usage", lambda _: usage._replace(free=2**27))
    answer = api.post("/v1/jobs", content=SHOT)
    assert (answer.status_code, "disk is full" in answer.json()["error"]) == (507, True)
    assert not any(folders.uploads.iterdir())


def test_an_upload_that_stands_still_is_ended(folders, monkeypatch):
    monkeypatch.setattr(upload_module, "SILENCE_SECONDS", 0.01)
    request = Request({"type": "http", "method": "POST", "headers": []}, asyncio.Event().wait)
    uploads = Uploads(folders, ServiceConfig())
    with pytest.raises(HTTPException) as refusal:
        in_time(lambda: asyncio.run(uploads.receive(request, "name", "")), "the upload is ended")
    assert refusal.value.status_code == 408
    assert not any(folders.uploads.iterdir())


def test_every_test_that_the_threat_model_names_is_there():
    text = (ROOT / "docs" / "security.md").read_text()
    named = re.findall(r"`((?:tests/)?[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    for path, test in named:
        path = path if path.startswith("tests/") else f"tests/service/{path}"
        wanted = f"def {test}(" if test else "def test_"
        assert wanted in (ROOT / path).read_text(), f"{path}::{test}"


def test_every_threat_of_the_model_names_a_test():
    text = (ROOT / "docs" / "security.md").read_text()
    # The first table of the document.
    table = text.partition("|---")[2].partition("\n\n")[0]
    threats = [line.split("|") for line in table.splitlines()[1:]]
    assert len(threats) > 25
    for _, threat, _, tests, _ in threats:
        assert re.search(r"`[\w/]+\.py", tests), threat
