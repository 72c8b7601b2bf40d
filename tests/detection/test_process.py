"""The detecting process gives up its rights before it reads what it was sent, and says why it cannot work."""

import io
import json
import os

import numpy as np
import pytest

from isa_engine.data.recordings.media import encode_picture, encode_video
from isa_engine.detection import process
from isa_engine.errors import ShotError
from isa_engine.sandbox import media
from tests.movies import lying, timed


class Nobody:
    def body(self, _):
        return None

    def hand(self, _):
        return None


@pytest.fixture
def answers(monkeypatch):
    """What the process says to a request, with networks that see nobody."""
    given_up = []

    def ask(request: dict, encoded: bytes) -> list[dict]:
        sent = io.BytesIO(json.dumps(request | {"bytes": len(encoded)}).encode() + b"\n" + encoded)
        monkeypatch.setattr(process.sys, "stdin", io.TextIOWrapper(sent))
        monkeypatch.setattr(process, "limit", lambda memory, seconds: given_up.append("limits"))
        monkeypatch.setattr(process, "confine", lambda: given_up.append("rights"))
        monkeypatch.setattr(process, "keep_memory_private", lambda: None)
        decode = media.picture

        def decoded(*arguments):
            if arguments[0] == encoded:
                assert given_up == ["limits", "rights"], "it was opened before"
            return decode(*arguments)

        monkeypatch.setattr(media, "picture", decoded)
        said: list[dict] = []
        monkeypatch.setattr(process, "_say", said.append)
        said += process.answers(Nobody)
        return said

    return ask


def test_a_picture_is_opened_after_all_rights_are_given_up(answers):
    said = answers(
        {"kind": "picture", "where": "Anna", "box": None}, encode_picture(np.zeros((90, 80, 3), np.uint8))
    )
    assert said[-1] == {"people": []}
    assert all(set(one) == {"done", "of"} for one in said[:-1])


def test_a_box_is_looked_at_alone(answers):
    picture = encode_picture(np.zeros((90, 80, 3), np.uint8))
    said = answers({"kind": "picture", "where": "Anna", "box": [10, 10, 60, 80]}, picture)
    assert said == [{"people": []}]


VIDEO = {"kind": "video", "where": "clip.mp4", "box": None}


@pytest.fixture
def whole(monkeypatch):
    """The pictures that a body is looked for in: of whole frames, and of cut-outs."""
    pictures = []
    monkeypatch.setattr(Nobody, "body", lambda _, pixels: pictures.append(pixels))
    return pictures


def test_a_video_is_looked_at_upright_as_a_phone_has_filmed_it(answers, whole):
    filmed = np.zeros((60, 100, 3), np.uint8)
    # Clockwise by a quarter, the lower left corner becomes the upper left one.
    filmed[-30:, :50] = 250
    encoded = lying(encode_video(np.stack([filmed] * 3), 25.0, 0), 90)
    said = answers(VIDEO, encoded)
    assert said[0] == {"size": [60, 100], "rate": 25.0}
    assert [one["people"] for one in said if "people" in one] == [{}, {}, {}]
    assert said[-1] == {"end": True}
    assert min(int(pixels[0, 0, 0]) for pixels in whole if pixels.shape == (100, 60, 3)) > 200


def test_a_video_of_pixels_that_are_not_square_is_looked_at_as_players_stretch_it(answers):
    encoded = timed(np.zeros((3, 48, 36, 3), np.uint8), [0, 40, 80], stretch=2)
    assert answers(VIDEO, encoded)[0]["size"] == [72, 48]


def test_a_video_of_uneven_times_is_looked_at_evenly(answers):
    """Phones and browsers film as fast as the light and the processor allow."""
    times = [0, 40, 80, 400, 440, 480, 1000, 1040, 1080, 1800]
    said = answers(VIDEO, timed(np.zeros((10, 48, 36, 3), np.uint8), times))
    assert said[0]["rate"] == pytest.approx(9 / 1.8)
    assert len([one for one in said if "people" in one]) == 10
    assert [one["of"] for one in said if "of" in one] == [10] * 10


def test_a_rate_that_a_browser_only_says_is_not_believed(answers):
    said = answers(VIDEO, timed(np.zeros((5, 48, 36, 3), np.uint8), [0, 33, 67, 100, 133], "webm"))
    assert said[0]["rate"] == pytest.approx(30, rel=0.01)
    assert len([one for one in said if "people" in one]) == 5


def test_evenly_timed_frames_are_each_looked_at_once(answers):
    for rate in (23.976, 24.0, 29.97, 59.94):
        said = answers(VIDEO, encode_video(np.zeros((40, 32, 32, 3), np.uint8), rate, 0))
        assert said[0]["rate"] == pytest.approx(rate, rel=1e-4)
        assert len([one for one in said if "people" in one]) == 40


def test_a_video_of_too_many_frames_is_refused_before_any_is_looked_at(answers, whole, monkeypatch):
    monkeypatch.setattr(process, "MOST_FRAMES", 4)
    encoded = encode_video(np.zeros((5, 32, 32, 3), np.uint8), 25.0, 0)
    before = len(whole)
    with pytest.raises(ShotError, match=r"has 5 frames, and 4 are the most.*clip\.mp4.*Cut it into parts"):
        answers(VIDEO, encoded)
    # The blank picture of the start.
    assert len(whole) == before + 1


def test_where_the_networks_are_missing_it_says_what_to_do(monkeypatch, capfd):
    monkeypatch.setattr(os, "_exit", lambda status: None)
    monkeypatch.setitem(process.sys.modules, "isa_engine.detection.networks", None)
    process.main()
    error = json.loads(capfd.readouterr().out)["error"]
    problem, remedy = error["problem"], error["remedy"]
    assert "the detector is not whole" in problem
    assert "install/detector.sh" in remedy
