"""The detecting process gives up its rights before it reads what it was sent, and says why it cannot work."""

import io
import json
import os

import numpy as np
import pytest

from isa_engine.data.recordings.media import encode_picture, encode_video
from isa_engine.detection import process
from isa_engine.sandbox import media


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


def test_a_video_is_looked_at_upright_as_a_phone_has_filmed_it(answers, monkeypatch):
    shapes = []
    monkeypatch.setattr(
        Nobody, "body", lambda _, pixels: shapes.append((pixels.shape, int(pixels[0, 0, 0]))), raising=True
    )
    lying = np.zeros((60, 100, 3), np.uint8)
    # Clockwise by a quarter, the lower left corner becomes the upper left one.
    lying[-30:, :50] = 250
    encoded = encode_video(np.stack([lying] * 3), 25.0, 0)
    monkeypatch.setattr(media.av, "open", turned(media.av.open, -90))
    said = answers({"kind": "video", "where": "clip.mp4", "box": None}, encoded)
    assert said[0] == {"size": [60, 100], "rate": 25.0}
    assert [one["people"] for one in said if "people" in one] == [{}, {}, {}]
    assert said[-1] == {"end": True}
    whole = [corner for shape, corner in shapes if shape == (100, 60, 3)]
    assert min(whole) > 200


def turned(open_file, degrees: int):
    """Opens files whose frames say that they are to be turned."""

    class Frame:
        rotation = degrees

        def __init__(self, frame):
            self.reformat = frame.reformat

    class File:
        def __init__(self, *arguments, **options):
            self._file = open_file(*arguments, **options)

        def __getattr__(self, name):
            return getattr(self._file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def decode(self, **which):
            return map(Frame, self._file.decode(**which))

    return File


def test_where_the_networks_are_missing_it_says_what_to_do(monkeypatch, capfd):
    monkeypatch.setattr(os, "_exit", lambda status: None)
    monkeypatch.setitem(process.sys.modules, "isa_engine.detection.networks", None)
    process.main()
    (problem, _, remedy) = json.loads(capfd.readouterr().out)["error"]
    assert "the detector is not whole" in problem
    assert "install/detector.sh" in remedy
