"""Synthesis into shards: exact, the same from a seed, resumable, and of one split."""

import pytest
import torch

from isa_engine.body import open_body
from isa_engine.cli import main
from isa_engine.data.clips import synthesize as synthesis
from isa_engine.data.clips.stored_clips import Shards, to_clip
from isa_engine.data.clips.synthesize import Synthesis, recorded, synthesize
from isa_engine.data.clips.synthetic import SyntheticHumans
from isa_engine.data.scenario.split import HELD_OUT, TRAINING
from isa_engine.errors import Cancelled, DataError
from isa_engine.geometry.surface import POINTS

SETTINGS = Synthesis(seed=3, frames=(1, 3), sizes=((32, 24), (24, 32)), per_shard=2)


@pytest.fixture(scope="module")
def humans():
    return SyntheticHumans(open_body(), POINTS)


@pytest.fixture(autouse=True)
def one_generator(humans, monkeypatch):
    """Making the generator takes longer than the clips of these tests."""
    monkeypatch.setattr(synthesis, "SyntheticHumans", lambda body, points, device, split: humans)


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.tar")}


def test_what_is_stored_is_what_was_rendered(humans):
    clip = humans.clip(11, 3, 24, 32)
    surface = humans.tokens
    again = to_clip(recorded(humans, 11, 3, 24, 32), surface, slice(0, 3), 24, 32)
    assert (again.video - clip.video).abs().max() <= 0.5 / 127.5 + 1e-5
    assert (again.background - clip.background).abs().max() <= 0.5 / 127.5 + 1e-5
    assert (again.references - clip.references).abs().max() <= 0.5 / 127.5 + 1e-5
    for name in ("mask", "reference_of"):
        assert torch.equal(getattr(again, name), getattr(clip, name)), name
    for name in (
        "points",
        "normals",
        "intrinsics",
        "camera_to_world",
        "reference_points",
        "reference_intrinsics",
        "reference_camera_to_world",
    ):
        assert torch.allclose(getattr(again, name), getattr(clip, name), atol=2e-4), name
    assert again.fps == clip.fps


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        synthesize(tmp_path / name, 3, Synthesis(seed, (1, 3), SETTINGS.sizes, per_shard=2))
    one, same, other = (contents(tmp_path / name) for name in ("one", "same", "other"))
    assert set(one) == {"000000.tar", "000001.tar"}
    assert one == same
    assert one["000000.tar"] != other["000000.tar"]


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path):
    synthesize(tmp_path / "whole", 5, SETTINGS)

    def stop(done: int, clips: int) -> None:
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        synthesize(tmp_path / "stopped", 5, SETTINGS, report=stop)
    assert set(contents(tmp_path / "stopped")) == {"000000.tar"}
    done = []
    synthesize(tmp_path / "stopped", 5, SETTINGS, report=lambda count, clips: done.append(count))
    assert done == [2, 3, 4, 5]
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    # What is whole is left alone, and more clips are added.
    synthesize(tmp_path / "stopped", 5, SETTINGS, report=lambda count, clips: done.append(count))
    assert done[-1] == 5
    assert len(done) == 5


def test_a_folder_of_other_settings_is_refused(tmp_path):
    synthesize(tmp_path, 1, SETTINGS)
    with pytest.raises(DataError, match="other settings"):
        synthesize(tmp_path, 1, Synthesis(9, (1,), SETTINGS.sizes))


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"frames": (0,)}, {"sizes": ((33, 32),)}, {"sizes": ((4, 32),)}, {"per_shard": 0}],
    ids=str,
)
def test_settings_that_make_no_clip_are_refused(wrong):
    with pytest.raises(DataError):
        Synthesis(**{"seed": 0, "frames": (1,), "sizes": ((32, 32),)} | wrong)


@pytest.mark.parametrize(("clips", "workers"), [(0, 1), (-2, 1), (1, 0)])
def test_no_clips_and_no_processes_are_refused_and_leave_no_folder(tmp_path, clips, workers):
    with pytest.raises(DataError, match=r"are none\. Give at least one of each"):
        synthesize(tmp_path / "data", clips, SETTINGS, workers=workers)
    assert not (tmp_path / "data").exists()


def test_a_sample_names_its_seed_takes_looks_and_split(humans):
    source = recorded(humans, 2, 1, 24, 32)
    assert source.split == "training"
    assert source.source["seed"] == 2
    assert set(source.source["takes"] + source.source["reference_takes"]) <= {*TRAINING.motions, "procedural"}
    assert all(TRAINING.owns_look(*look) for look in source.source["looks"])


def test_a_held_out_clip_is_of_held_out_takes_and_looks_alone():
    humans = SyntheticHumans(open_body(), points=16, split=HELD_OUT)
    for seed in range(3):
        held_out = recorded(humans, seed, 1, 24, 32)
        assert held_out.split == "held-out"
        assert set(held_out.source["takes"]) <= set(HELD_OUT.motions)
        assert all(HELD_OUT.owns_look(*look) for look in held_out.source["looks"])


def test_the_command_writes_shards_that_training_reads(tmp_path, capsys):
    arguments = ["--out", str(tmp_path), "--clips", "2", "--frames", "1", "--size", "32x24", "--seed", "5"]
    assert main(["synthesize", *arguments]) == 0
    assert "2 of 2 clips" in capsys.readouterr().out
    clip = Shards(tmp_path, points=16)(0, 1, 24, 32)
    assert clip.video.shape == (3, 1, 24, 32)
    assert clip.points.shape[2] == 16


@pytest.mark.slow
def test_several_processes_write_the_same_bytes_as_one(tmp_path):
    synthesize(tmp_path / "one", 4, SETTINGS)
    synthesize(tmp_path / "two", 4, SETTINGS, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
