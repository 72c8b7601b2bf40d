"""The detector's process is asked, and nothing that it says is believed. The real one is asked where it is
installed."""

import json
import os
import threading

import numpy as np
import pytest

from isa_engine.client.location import Installed, python_of, write_record
from isa_engine.detection.detector import Detector
from isa_engine.detection.telling import told
from isa_engine.errors import Cancelled, EngineError, ShotError
from tests.detection.test_telling import someone

SOMEONE = json.dumps({"people": [told(someone())]})
FRAMES = [
    json.dumps({"size": [320, 180], "rate": 25.0}),
    json.dumps({"people": {"0": told(someone())}}),
    json.dumps({"done": 1, "of": 2}),
    json.dumps({"people": {}}),
    json.dumps({"end": True}),
]


@pytest.fixture
def saying(tmp_path):
    """A program that stands for the detector's Python, and says these lines whatever it is asked."""

    def write(*lines: str, first: str = ":", then: str = "cat >/dev/null") -> str:
        (tmp_path / "lines").write_text("".join(f"{line}\n" for line in lines))
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{first}\ncat {tmp_path}/lines\n{then}\n")
        program.chmod(0o755)
        return str(program)

    return write


def test_people_come_back_and_progress_is_told(saying):
    progress = []
    python = saying(json.dumps({"done": 3, "of": 9}), SOMEONE)
    (found,) = Detector(lambda *told: progress.append(told), python).picture(b"a picture", "Anna")
    np.testing.assert_allclose(found.places, someone().places, atol=0.01)
    assert progress == [(3, 9)]


def test_a_videos_frames_come_back_in_order(saying):
    footage = Detector(python=saying(*FRAMES)).video(b"a video", "clip.mp4")
    assert (footage.size, footage.rate) == ((320, 180), 25.0)
    assert [sorted(people) for people in footage.frames] == [[0], []]


def test_a_refusal_keeps_its_sentence(saying):
    error = ShotError("the picture is damaged", where="Anna", remedy="Export it again.")
    python = saying(json.dumps({"error": error.parts}))
    with pytest.raises(EngineError, match=r"the picture is damaged \(Anna\)\. Export it again\b"):
        Detector(python=python).picture(b"", "Anna")


@pytest.mark.parametrize(
    "lines",
    [
        ("{",),
        ("[]",),
        ("[" * 100_000,),
        (json.dumps({"error": 3}),),
        (json.dumps({"error": {"problem": "it says no more"}}),),
        (json.dumps({"people": 3}),),
        (json.dumps({"people": [1]}),),
        (json.dumps({"people": [told(someone())] * 101}),),
        (json.dumps({"other": 1}), SOMEONE),
    ],
)
def test_nonsense_is_an_error_with_a_remedy(saying, lines):
    with pytest.raises(EngineError, match="no sensible answer") as failure:
        Detector(python=saying(*lines)).picture(b"", "Anna")
    assert failure.value.remedy


@pytest.mark.parametrize("first", [{"size": [0, 9], "rate": 1}, {"size": 3, "rate": 1}, {"rate": 1}, {}])
def test_a_video_without_a_size_is_nonsense(saying, first):
    with pytest.raises(EngineError, match="no sensible answer"):
        Detector(python=saying(json.dumps(first), *FRAMES[1:])).video(b"", "clip.mp4")


def test_a_process_that_ends_without_an_answer_or_never_ends_its_line_is_an_error(saying):
    for then in ("exit 3", "head -c 8000000 /dev/zero"):
        with pytest.raises(EngineError, match="ended without an answer"):
            Detector(python=saying(then=then)).picture(b"x" * 10**6, "Anna")


def test_it_can_be_cancelled_while_it_works_and_before(saying):
    # It never ends by itself.
    detector = Detector(python=saying(then="exec sleep infinity"))
    threading.Timer(0.2, detector.cancel).start()
    with pytest.raises(Cancelled):
        detector.picture(b"", "Anna")
    with pytest.raises(Cancelled):
        detector.picture(b"", "Anna")


def test_it_is_told_neither_blenders_python_nor_secrets(saying, tmp_path, monkeypatch):
    monkeypatch.setenv("ISA_ENGINE_TOKEN", "secret")
    monkeypatch.setenv("PYTHONHOME", "/blender")
    Detector(python=saying(SOMEONE, first=f"env >{tmp_path}/env")).picture(b"", "Anna")
    names = [line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()]
    assert not [name for name in names if name.startswith(("ISA_ENGINE_", "PYTHON"))]


def test_where_none_is_installed_it_is_said_how_to(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("ISA_DETECTOR_PYTHON", raising=False)
    with pytest.raises(EngineError, match=r"no detector is installed on this machine.*install/detector\.sh"):
        Detector()
    python = tmp_path / "python"
    python.touch()
    write_record(Installed(str(python), "0.1.0"), part="detector")
    assert python_of("detector") == str(python)
    assert python_of("engine", {}) == ""


@pytest.mark.skipif(not python_of("detector", os.environ), reason="no detector is installed")
@pytest.mark.detector
def test_the_real_one_finds_who_is_in_a_picture_and_refuses_what_is_none():
    from isa_engine.data.recordings.media import encode_picture
    from isa_engine.evaluation.detection.posed_pictures import SCENES, Photographer

    (scene,) = (scene for scene in SCENES if scene.name == "two people")
    video = Photographer().film(scene, 10, (480, 480))
    found = Detector().picture(encode_picture(video.pixels[0]), "Anna")
    assert len(found) == 2
    for person in video.people:
        fx, fy, _, _ = video.intrinsics
        joints = person.joints[0, [1, 2, 16, 17]]
        ndc = joints[:, :2] / -joints[:, 2:] * [fx, fy]
        middle = ((ndc * [1, -1] + 1) / 2 * 480).mean(0)
        assert min(np.linalg.norm(one.places[[5, 6, 11, 12]].mean(0) - middle) for one in found) < 20
    with pytest.raises(EngineError, match=r"the picture is no PNG and no JPEG \(Anna\)"):
        Detector().picture(b"none", "Anna")
