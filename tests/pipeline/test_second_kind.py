"""A model of another kind goes the whole way, and nothing but its own module knows of it."""

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from isa_engine import cli
from isa_engine.errors import Cancelled, ModelError
from isa_engine.farm import eligibility, tasks
from isa_engine.farm.job import write_bundle
from isa_engine.geometry.frames import decoding_spans
from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.models import KINDS, Description, describe, names
from isa_engine.models.isa import ISA
from isa_engine.models.vace import VACE
from isa_engine.pipeline import generate, load_model, notes
from isa_engine.pipeline.open_weights.adding import Adding
from isa_engine.pipeline.painter import Painter
from isa_engine.results.record import GENERATED
from tests.pipeline import discs
from tests.pipeline.hub import serving
from tests.pipeline.shots import make_shot

STEPS = 4


@pytest.fixture(autouse=True)
def second_kind(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)


def shot_of_discs(frames=10, **changes):
    shot = make_shot(frames=frames, steps=STEPS)
    cast = tuple(
        replace(character, prompt=prompt)
        for character, prompt in zip(shot.characters, ("red", "blue"), strict=True)
    )
    settings = replace(shot.settings, model=discs.NAME, width=96, height=64)
    return replace(shot, characters=cast, settings=settings, **changes)


def frames_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as movie:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)])


def made(shot, out: Path, report=lambda progress: None, checkpoint=None) -> dict[str, bytes]:
    """The files' bytes, but for the seconds that the record tells."""
    generate(shot, load_model(discs.NAME), out, report, checkpoint, made=1e9)
    files = {file.name: file.read_bytes() for file in out.iterdir()}
    record = json.loads(files.pop("record.json"))
    del record["seconds"]
    return {**files, "record": json.dumps(record).encode()}


def kept_at(path: Path):
    return SimpleNamespace(path=path, saved=lambda step: None)


def test_every_kind_has_all_that_is_asked_of_one():
    """What is asked late, as by a worker before a job, would be missed there."""

    def lacking(protocol, there) -> list[str]:
        return [name for name in vars(protocol) if not name.startswith("_") and name not in there]

    for described in (ISA, VACE, discs.Described):
        assert lacking(Description, {*dir(described), *described.__dataclass_fields__}) == []
    for kind in KINDS.values():
        assert lacking(Painter, dir(importlib.import_module(kind.painter))) == []
        if kind.adding:
            assert lacking(Adding, dir(importlib.import_module(kind.adding))) == []


def test_it_is_listed_described_and_told_apart():
    assert names()[0] == "isa-tiny"
    assert discs.NAME in names()
    assert describe(discs.NAME).short_side == 48
    assert describe("isa-tiny").kind == "isa"
    with pytest.raises(ModelError, match=r"isa-tiny, .*discs"):
        describe("squares")


def test_model_show_tells_what_it_says_of_itself(capsys):
    assert cli.main(["model", "show", discs.NAME, "--frames", "5", "--characters", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["licence"], found["canvas"], found["trained"]) == ("CC0-1.0", [48, 48], True)
    assert found["parameters"] == {"brush": {"radius": 1, "total": 1}}
    assert found["memory"] == {"processor, whole": 2.0**20, "GPU, whole": 2.0**20, "GPU, half": 2.0**19}
    assert found["tokens"] == {"discs": 2}
    assert found["step_operations"]["disc"] == 2 * 5 * 48 * 48 * 2
    assert found["step_attention"] == {"total": 0}
    assert found["generation_operations"] == {"encode": 1, "denoise": found["steps"], "decode": 5}


def test_its_plate_shows_discs_where_the_cast_is_in_the_colours_of_their_prompts(tmp_path):
    shot = shot_of_discs()
    made(shot, tmp_path)
    plate, matte = (frames_of(tmp_path / name) for name in ("plate.mp4", "matte.mp4"))
    assert plate.shape[1:3] == (64, 96)
    for character, channel in zip(shot.characters, (0, 2), strict=True):
        middle = character.points[0].astype(float).mean(0)
        x, y = to_pixels(project(middle[None], shot.mvp[0])[0], (96, 64))[0].astype(int)
        assert plate[0, y, x].argmax() == channel
        assert matte[0, y, x].min() > 200
    assert 0 < (matte[0, ..., 0] > 128).mean() < 0.2
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["model"] == {"name": "discs", "trained": True, "weights": "d15c" * 16, "radius": 6}
    assert record["matte"] == GENERATED
    assert [note for note in notes(shot_of_discs(22), load_model(discs.NAME)) if "21" in note]


@pytest.mark.parametrize("cuts", [(), (4,)])
def test_it_goes_on_from_any_step_to_the_same_bytes(tmp_path, cuts):
    shot = shot_of_discs(cuts=cuts)
    whole = made(shot, tmp_path / "whole")
    for stop in range(1, (len(cuts) + 1) * STEPS + 1):
        kept = kept_at(tmp_path / f"latents-{stop}")

        def report(progress, stop=stop):
            if progress.phase == "denoise" and progress.step == stop:
                raise Cancelled

        with pytest.raises(Cancelled):
            made(shot, tmp_path / "broken", report, kept)
        assert made(shot, tmp_path / f"again-{stop}", checkpoint=kept) == whole


@pytest.mark.parametrize("phase", ["encode", "denoise", "decode", "write"])
def test_cancelled_in_any_phase_it_leaves_nothing(tmp_path, phase):
    seen = []

    def report(progress):
        seen.append(progress)
        if progress.phase == phase and progress.step:
            raise Cancelled

    with pytest.raises(Cancelled):
        made(shot_of_discs(), tmp_path / "out", report)
    assert not list((tmp_path / "out").iterdir())
    if phase == "decode":
        previews = [progress.preview for progress in seen if progress.preview]
        assert previews
        assert previews[0].size == (96, 64)


def test_its_takes_are_made_on_a_farm_to_the_same_pictures(tmp_path):
    shot = shot_of_discs(frames=21)
    made(shot, tmp_path / "whole")
    place = tmp_path / "farm"
    bundle = write_bundle([("take", shot)], place, eligibility.operating_system(), span=16, untrained=False)
    eligibility.check(bundle.job)
    model = load_model(discs.NAME)
    tasks.denoise_take(bundle, 0, model, lambda progress: None)
    assert len(bundle.job.spans) == len(decoding_spans(shot.segments, 4)) > 1
    for number in range(len(bundle.job.spans)):
        tasks.decode_span(bundle, number, model, lambda progress: None)
    tasks.assemble_take(bundle, 0, lambda progress: None)
    results = bundle.results(bundle.job.takes[0])
    for name in ("plate.mp4", "matte.mp4"):
        assert np.array_equal(frames_of(results / name), frames_of(tmp_path / "whole" / name))


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A folder of larger discs, and a user's data of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / discs.SIZES).write_text('{"radius": 12}')
    (folder / "LICENSE").write_text("Painters' licence\n")
    return folder


def disc_of(name, out) -> float:
    """How much of a plate's canvas discs cover."""
    shot = shot_of_discs(1)
    shot = replace(shot, settings=replace(shot.settings, model=name))
    generate(shot, load_model(name), out, lambda progress: None)
    return float((frames_of(out / "matte.mp4") > 128).mean())


def test_a_folder_of_its_own_is_added_by_the_same_command_and_paints(large, tmp_path, capsys):
    add = "model", "add", str(large), "--name", "others"
    assert cli.main([*add]) == 1
    assert "licence: Painters' licence (LICENSE)" in capsys.readouterr().out
    assert cli.main([*add, "--accept-licence", "--lora", "some.safetensors"]) == 1
    assert "discs cannot be changed" in capsys.readouterr().err
    assert "others" not in names()
    assert cli.main([*add, "--accept-licence"]) == 0
    capsys.readouterr()
    assert cli.main(["model", "list"]) == 0
    assert "here, Painters' licence (LICENSE)" in capsys.readouterr().out
    assert describe("others").kind == "discs"
    assert disc_of("others", tmp_path / "large") > 2 * disc_of(discs.NAME, tmp_path / "small")
    (large / discs.SIZES).unlink()
    assert describe("others").state == "missing"


def test_a_folder_of_no_kind_is_refused_by_all_in_one_sentence(large, capsys):
    (large / discs.SIZES).rename(large / "model_index.json")
    assert cli.main(["model", "add", str(large), "--accept-licence"]) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    for words in ("not a WanVACEPipeline", "no discs.json", "Wan2.1-VACE", "a painter of discs"):
        assert words in sentence


def test_its_weights_are_fetched_by_the_same_command(large, tmp_path, monkeypatch, capsys):
    source = discs.SOURCES["large-discs"]
    (large / "program.py").write_text("raise SystemExit")
    with serving(source.repository, large) as (_, address):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        fetch = "model", "fetch", "large-discs", "--to", str(tmp_path / "fetched")
        assert cli.main([*fetch]) == 1
        assert not (tmp_path / "fetched" / discs.SIZES).exists()
        assert cli.main([*fetch, "--accept-licence"]) == 0
    assert {path.name for path in (tmp_path / "fetched").iterdir()} == {".commit", "LICENSE", discs.SIZES}
    assert (describe("large-discs").kind, describe("large-discs").state) == ("discs", "here")
