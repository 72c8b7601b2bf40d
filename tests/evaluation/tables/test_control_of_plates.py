"""A model of any kind is measured by its plates: here one that paints discs, whose worth is known."""

from collections import defaultdict

import numpy as np
import pytest

from isa_engine import cli
from isa_engine.body.model.skeleton import SMPLX_JOINTS
from isa_engine.evaluation.candidates.videos import CEILING, MODEL, REPEATED
from isa_engine.evaluation.held_out.shot import shot_of
from isa_engine.evaluation.reporting.table import mean
from isa_engine.evaluation.tables import control_of_plates as room
from isa_engine.evaluation.tables import control_rows as names
from isa_engine.evaluation.tables.control_of_plates import control_of_plates
from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.models import KINDS
from isa_engine.pipeline import load_model
from isa_engine.shot import Settings, encode_shot, read_shot
from tests.movies import read_video
from tests.pipeline import discs

SETTINGS = Settings("discs", 64, 48, 2, 1.0, 0)


@pytest.fixture(autouse=True)
def second_kind(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    monkeypatch.setattr(discs, "COLOURS", {"": (1.0, -1.0, -1.0)})


def test_a_clip_is_a_shot_whose_bones_are_within_its_people(several):
    for clip in several:
        shot = shot_of(clip, SETTINGS)
        assert read_shot(encode_shot(shot)).characters[0].name == "person 1"
        assert np.abs(read_video(shot.background, 9, (64, 48)).astype(int) - levels(clip)).mean() < 6
        for number, each in enumerate(shot.characters):
            low, high = each.points.min(1, keepdims=True), each.points.max(1, keepdims=True)
            bones = each.skeleton[:, : len(SMPLX_JOINTS)]
            assert ((bones > low - 0.02) & (bones < high + 0.02)).all()
            nearest = np.linalg.norm(each.skeleton[0][:, None] - each.points[0][None], axis=2).min(1)
            # Thighs are the thickest that bones lie in.
            assert nearest.max() < 0.15
            seen = project(each.skeleton[0, :1].astype(float), shot.mvp[0])
            x, y = to_pixels(seen[0], (64, 48))[0].astype(int)
            if 0 <= x < 64 and 0 <= y < 48:
                assert clip.clip.mask[0, y, x] in (0, *range(1, number + 2), *range(number + 1, 5))


def levels(clip):
    return ((clip.clip.background.permute(1, 2, 3, 0) + 1) * 127.5).round().numpy().astype(int)


def test_its_table_has_the_rows_of_plates_with_the_render_as_the_ceiling(clips, tmp_path):
    table = control_of_plates(load_model("discs"), clips, 1, SETTINGS, tmp_path)
    one = {column: mean(table.cell(names.PLATE_ONE, column)) for column in (MODEL, REPEATED, CEILING)}
    assert 0 < one[MODEL] < one[CEILING] <= 1
    assert one[CEILING] > 0.8
    assert mean(table.cell(names.IDENTITY, CEILING)) == 1
    assert mean(table.cell(names.PLATE_CAMERA, CEILING)) > 0.6
    assert mean(table.cell(names.PLATE_MATTE, MODEL)) > 0
    assert mean(table.cell(names.IOU_ONE, MODEL)) is None
    assert (tmp_path / "control-one-person-1.png").is_file()


def test_a_plate_that_is_the_render_is_as_good_as_the_ceiling(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "plate_of", lambda model, clip, settings: (clip.clip.video, clip.mask))
    table = control_of_plates(None, clips, 1, SETTINGS, tmp_path)
    for row in (
        names.PLATE_ONE,
        names.PLATE_SEVERAL,
        names.PLATE_SHADOWS,
        names.PLATE_SEAMS,
    ):
        assert mean(table.cell(row, MODEL)) == pytest.approx(mean(table.cell(row, CEILING)))
    assert mean(table.cell(names.PLATE_MATTE, MODEL)) == 1


def test_the_command_measures_it_by_its_name(monkeypatch, tmp_path, capsys):
    seen = []

    def measured(model, held_out, count, settings, out, report):
        seen.append((model.name, settings, held_out.frames, count))
        return names.table_of(defaultdict(lambda: defaultdict(list)), [])

    monkeypatch.setattr(room, "control_of_plates", measured)
    options = ["--clips", "1", "--frames", "5", "--size", "64x48", "--steps", "3", "--device", "cpu"]
    assert cli.main(["evaluate", "control", "--model", "discs", "--out", str(tmp_path), *options]) == 0
    ((name, settings, frames, count),) = seen
    assert (name, settings.model, settings.width, settings.steps, frames, count) == (
        "discs",
        "discs",
        64,
        3,
        5,
        1,
    )
    assert "| plate:" in capsys.readouterr().out
    assert cli.main(["evaluate", "control", "--model", "squares", "--out", str(tmp_path), *options]) == 1
    assert "there is no model 'squares'" in capsys.readouterr().err
