"""What is too much, or too slow, is refused before it costs anything."""

import asyncio
import re
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from isa_engine.service import upload as upload_module
from isa_engine.service.api import create_app
from isa_engine.service.configuration import ServiceConfig
from isa_engine.service.upload import Uploads
from tests.service.test_api import SHOT

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"frames": 2}, "shot: 3 frames are too many. This engine takes 2 at most."),
        (
            {"pixels": 128 * 128 - 1},
            "shot: 16384 pixels a frame are too many. This engine takes 16383 at most.",
        ),
    ],
)
def test_a_shot_above_the_engines_limits_is_refused_at_the_door(store, folders, limits, sentence):
    client = TestClient(create_app(store, folders, "secret", ServiceConfig(**limits)))
    answer = client.post("/v1/jobs", content=SHOT, headers={"Authorization": "Bearer secret"})
    assert (answer.status_code, answer.json()) == (422, {"error": sentence})
    assert store.jobs() == []
    assert not any(folders.uploads.iterdir())


def test_an_upload_that_stands_still_is_ended(folders, monkeypatch):
    monkeypatch.setattr(upload_module, "SILENCE_SECONDS", 0.01)
    request = Request({"type": "http", "method": "POST", "headers": []}, asyncio.Event().wait)
    with pytest.raises(HTTPException) as refusal:
        asyncio.run(Uploads(folders, ServiceConfig()).receive(request, "name"))
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
    threats = [line.split("|") for line in text.partition("|---")[2].splitlines()[1:] if line.startswith("|")]
    assert len(threats) > 25
    for _, threat, _, tests, _ in threats:
        assert re.search(r"`[\w/]+\.py", tests), threat
