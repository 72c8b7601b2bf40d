"""``isa-engine controls``: pictures of a shot file by its frames' numbers, and a sheet of them all."""

import dataclasses

import numpy as np
from PIL import Image

from isa_engine import cli
from isa_engine.controls import CONTROLS
from isa_engine.shot import write_shot
from tests.controls.people import person, shot_of

NUMBERS = np.array([-8, 0, 8], np.int32)


def test_every_frame_of_every_control_is_a_picture_of_the_canvas(tmp_path, capsys):
    shot = shot_of([person()], frame_numbers=NUMBERS)
    write_shot(shot, tmp_path / "shot.npz")
    out = tmp_path / "controls"
    assert cli.main(["controls", str(tmp_path / "shot.npz"), "--out", str(out)]) == 0
    assert {place.name for place in out.iterdir()} == {*CONTROLS, "sheet.png"}
    size = shot.settings.width, shot.settings.height
    for name, make in CONTROLS.items():
        for number, picture in zip(NUMBERS, make(shot, size), strict=True):
            written = np.array(Image.open(out / name / f"{number:04}.png"))
            assert np.array_equal(written, picture)
    assert Image.open(out / "sheet.png").width == 3 * size[0]
    assert "note" not in capsys.readouterr().out


def test_one_control_of_another_size_and_a_shot_without_joints(tmp_path, capsys):
    anna = dataclasses.replace(person(), skeleton=None)
    write_shot(shot_of([anna]), tmp_path / "shot.npz")
    given = ["controls", str(tmp_path / "shot.npz"), "--out", str(tmp_path), "--only", "pose", "--size"]
    assert cli.main([*given, "64", "36"]) == 0
    assert "no joints of anybody" in capsys.readouterr().out
    assert Image.open(tmp_path / "pose" / "0001.png").size == (64, 36)
    assert not (tmp_path / "depth").exists()
    assert cli.main([*given, "0", "36"]) == 1
    assert "0 × 36" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    write_shot(shot_of([person(frames=(0,))]), tmp_path / "shot.npz")
    (tmp_path / "file").touch()
    given = ["controls", str(tmp_path / "shot.npz"), "--out", str(tmp_path / "file"), "--only", "mask"]
    assert cli.main(given) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err
