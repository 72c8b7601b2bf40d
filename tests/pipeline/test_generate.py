"""The whole way from a shot to its files."""

import dataclasses
import errno
import io
import json
import os
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.errors import Cancelled, EngineError, ShotError
from isa_engine.pipeline import generate
from isa_engine.results.files import write_array
from isa_engine.results.record import sha256
from isa_engine.shot import encode_shot, read_shot
from tests.movies import read_video
from tests.pipeline.shots import make_shot, picture

RESULTS = ("latents.npy", "matte.mp4", "plate.mp4", "record.json", "shot.npz")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def movie(path: Path, frames: int) -> np.ndarray:
    return read_video(path.read_bytes(), frames, (48, 32))


def frames_of(path: Path) -> np.ndarray:
    """Luma and chroma as they were encoded, of every frame."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray() for frame in file.decode(video=0)])


def without_times(path: Path) -> bytes:
    """An MP4 whose headers say 1904, the format's zero, for when it was made and changed."""
    found = bytearray(path.read_bytes())

    def blank(begin: int, end: int) -> None:
        while begin < end:
            size, kind = int.from_bytes(found[begin : begin + 4], "big"), bytes(found[begin + 4 : begin + 8])
            if kind in (b"moov", b"trak", b"mdia"):
                blank(begin + 8, begin + size)
            elif kind in (b"mvhd", b"tkhd", b"mdhd"):
                # After size, kind, version and flags: both times, in seconds.
                found[begin + 12 : begin + 20] = bytes(8)
            begin += size

    blank(0, len(found))
    return bytes(found)


def movie_frames(path: Path) -> int:
    with av.open(str(path)) as file:
        return sum(1 for _ in file.decode(video=0))


@settings(deadline=None, max_examples=10)
@given(frames=st.integers(1, 11), step=st.integers(1, 4))
def test_plate_and_matte_have_a_frame_for_each_scene_frame_asked_for(
    model, silent, tmp_path_factory, frames, step
):
    result = generate(make_shot(frames, step, steps=1), model, tmp_path_factory.mktemp("out"), silent)
    assert movie_frames(result.plate) == movie_frames(result.matte) == (frames - 1) * step + 1
    with av.open(str(result.plate)) as file:
        assert file.streams.video[0].average_rate == make_shot().fps


def test_a_stepped_shot_holds_the_frames_of_the_unstepped_one(model, silent, tmp_path):
    every = generate(make_shot(6, 1), model, tmp_path / "every", silent)
    held = generate(make_shot(6, 3), model, tmp_path / "held", silent)
    generated, shown = movie(every.plate, 6).astype(int), movie(held.plate, 16).astype(int)
    aligned = np.abs(generated - shown[::3]).mean()
    shifted = np.abs(generated - shown[1::3][[0, 0, 1, 2, 3, 4]]).mean()
    assert aligned < 0.25 * shifted


def test_the_same_shot_and_seed_give_the_same_bytes_and_another_seed_others(model, silent, tmp_path):
    shot = make_shot(seed=4)
    first, again = (contents(generate(shot, model, tmp_path / name, silent).plate.parent) for name in "ab")
    other = contents(generate(make_shot(seed=5), model, tmp_path / "c", silent).plate.parent)
    assert sorted(first) == sorted(RESULTS)
    for name in ("plate.mp4", "matte.mp4", "shot.npz"):
        assert first[name] == again[name]
    assert first["plate.mp4"] != other["plate.mp4"]


def test_made_at_another_time_only_the_time_is_another(model, silent, tmp_path):
    first, again = (
        generate(make_shot(seed=4), model, tmp_path / str(made), silent, made=made) for made in (1.7e9, 1.8e9)
    )
    for one, other in ((first.plate, again.plate), (first.matte, again.matte)):
        assert one.read_bytes() != other.read_bytes()
        assert without_times(one) == without_times(other)
        assert (frames_of(one) == frames_of(other)).all()
    assert first.shot.read_bytes() == again.shot.read_bytes()
    record, changed = (json.loads(result.record.read_text()) for result in (first, again))
    assert {name for name in record if record[name] != changed[name]} - {"seconds"} == {"made", "results"}


@pytest.mark.parametrize(
    "change",
    [
        {"centres": ((-0.6, 0, 0.3), (0.7, 0.4, 0.1))},
        {"references": "all"},
        {"guidance": 5.0},
        {"steps": 3},
    ],
    ids=str,
)
def test_what_the_artist_changes_changes_the_plate(model, silent, tmp_path, change):
    before = generate(make_shot(), model, tmp_path / "before", silent)
    after = generate(make_shot(**change), model, tmp_path / "after", silent)
    assert np.abs(movie(before.plate, 5).astype(int) - movie(after.plate, 5)).max() > 8


def test_the_record_tells_how_to_make_it_again(model, silent, tmp_path):
    shot = make_shot(frames=6, step=2)
    result = generate(shot, model, tmp_path, silent)
    record = json.loads(result.record.read_text())
    hashed = result.plate, result.matte, result.latents
    assert record["results"] == {path.name: sha256(path) for path in hashed}
    assert record["shot"]["sha256"] == sha256(result.shot)
    assert record["shot"]["frame_numbers"] == [10, 12, 14, 16, 18, 20]
    assert record["shot"]["fps"] == [24000, 1001]
    assert record["settings"] == dataclasses.asdict(shot.settings)
    assert record["model"]["name"] == "micro"
    assert record["model"]["trained"] is False
    assert record["model"]["configuration"]["dit"]["points"] == model.config.dit.points
    assert any("untrained" in note for note in record["notes"])
    assert record["matte"] == "projected body"
    assert record["pixel_anisotropy"] == pytest.approx((1280 / 48) / (1024 / 32))
    assert list(record["seconds"]) == ["encode", "denoise", "decode", "write"]
    assert {"isa-engine", "torch", "diffusers"} <= record["versions"].keys()
    assert encode_shot(read_shot(result.shot)) == encode_shot(shot)


def test_the_movies_themselves_say_what_they_are(model, silent, tmp_path):
    result = generate(make_shot(seed=8), model, tmp_path, silent)
    for path, title in ((result.plate, "Generated video"), (result.matte, "Matte: projected body")):
        with av.open(str(path)) as file:
            assert file.metadata["title"] == title
            comment = file.metadata["comment"]
        assert comment.startswith("Generated by ISA")
        assert "untrained" in comment
        assert "seed 8" in comment
        assert sha256(result.shot) in comment


def test_a_take_longer_than_the_model_is_made_for_works_and_is_noted(model, silent, tmp_path):
    result = generate(make_shot(frames=25), model, tmp_path, silent)
    assert "25 frames are more than the 9" in " ".join(json.loads(result.record.read_text())["notes"])
    assert movie_frames(result.plate) == 25


def test_progress_passes_every_phase_and_step_in_order_with_pictures(model, tmp_path):
    seen = []
    generate(make_shot(frames=5, steps=9), model, tmp_path, seen.append)
    assert list(dict.fromkeys(p.phase for p in seen)) == ["encode", "denoise", "decode", "write"]
    for phase in ("encode", "denoise", "decode", "write"):
        steps, (of,) = [p.step for p in seen if p.phase == phase], {p.steps for p in seen if p.phase == phase}
        # The matte's frames are too many to tell each.
        assert steps == ([0, of] if phase == "write" else list(range(of + 1)))
    previews = [p.preview for p in seen if p.preview is not None]
    assert 1 <= len(previews) <= 6
    assert all(preview.size == (48, 32) for preview in previews)


def test_the_matte_of_a_long_take_can_be_cancelled_on_the_way(model, tmp_path):
    seen = []

    def cancel(progress):
        if progress.phase == "write":
            seen.append((progress.step, progress.steps))
            if progress.step:
                raise Cancelled

    with pytest.raises(Cancelled):
        generate(make_shot(frames=25, steps=1), model, tmp_path / "out", cancel)
    assert seen == [(0, 26), (16, 26)]
    assert not list((tmp_path / "out").iterdir())


@pytest.fixture(scope="module")
def earlier(model, silent, tmp_path_factory):
    """Results of an earlier take."""
    return generate(make_shot(seed=1), model, tmp_path_factory.mktemp("earlier"), silent).plate.parent


@pytest.mark.parametrize("phase", ["encode", "denoise", "decode", "write"])
@pytest.mark.parametrize("last", [False, True])
def test_cancelled_at_any_phase_it_leaves_the_folder_as_it_was(model, earlier, phase, last):
    before = contents(earlier)

    def cancel(progress):
        if progress.phase == phase and (progress.step == progress.steps or not last):
            raise Cancelled

    with pytest.raises(Cancelled):
        generate(make_shot(seed=2), model, earlier, cancel)
    assert contents(earlier) == before


@pytest.mark.parametrize("name", RESULTS)
def test_a_disk_that_fills_up_is_a_sentence_and_leaves_the_folder_as_it_was(model, silent, earlier, name):
    before = contents(earlier)
    (earlier / f"{name}.part").symlink_to("/dev/full")
    with pytest.raises(EngineError, match=r"the disk is full \(.*\)\. Free some space"):
        generate(make_shot(seed=2), model, earlier, silent)
    assert contents(earlier) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows locks no folders")
def test_two_takes_made_in_one_folder_at_once_never_mix(model, earlier, silent):
    tried = []

    def meanwhile(progress):
        if not tried:
            tried.append(progress)
            with pytest.raises(EngineError, match=r"another take is being made in this folder \(.*\)\. Wait"):
                generate(make_shot(seed=3), model, earlier, silent)

    generate(make_shot(seed=2), model, earlier, meanwhile)
    alone = generate(make_shot(seed=2), model, earlier.parent / "alone", silent)
    assert contents(earlier)["plate.mp4"] == alone.plate.read_bytes()
    assert set(contents(earlier)) == set(RESULTS)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("count", [5, 200_000])
def test_an_array_is_written_as_numpy_does_and_a_full_disk_has_the_systems_number(tmp_path, order, count):
    array = np.asarray(np.random.default_rng(0).normal(size=(2, count)).astype(np.float32), order=order)
    write_array(tmp_path / "here.npy", array)
    np.save(tmp_path / "numpys.npy", np.ascontiguousarray(array))
    assert (tmp_path / "here.npy").read_bytes() == (tmp_path / "numpys.npy").read_bytes()
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as raised:
        write_array(Path("/dev/full"), array)
    assert raised.value.errno == errno.ENOSPC


def test_a_folder_that_is_a_file_is_a_sentence(model, silent, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(EngineError, match=r"cannot write.*Choose a folder"):
            generate(make_shot(), model, out, silent)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_folder_that_may_not_be_written_is_a_sentence(model, silent):
    with pytest.raises(EngineError, match=r"cannot write.*\(/proc/isa\)\. Choose a folder"):
        generate(make_shot(), model, Path("/proc/isa"), silent)


def test_memory_that_runs_out_is_a_sentence_and_other_failures_are_not_hidden(model, tmp_path):
    def report(progress):
        raise RuntimeError(reason)

    reason = "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"
    with pytest.raises(EngineError, match=r"memory.*Generate fewer frames"):
        generate(make_shot(), model, tmp_path, report)
    reason = "something else"
    with pytest.raises(RuntimeError, match="something else"):
        generate(make_shot(), model, tmp_path, report)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_reference_ends_with_its_name_and_nothing_written(model, silent, tmp_path):
    shot = dataclasses.replace(make_shot(), references=(picture(), picture()[:60]))
    with pytest.raises(ShotError, match="reference picture of 'Ball 1'"):
        generate(shot, model, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_settings_out_of_range_are_refused_before_anything_is_written(model, silent, tmp_path):
    with pytest.raises(ShotError, match="0 steps"):
        generate(make_shot(steps=0), model, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_shots_file_goes_to_the_results_as_it_is(model, silent, tmp_path):
    shot, file = make_shot(seed=8), tmp_path / "other.npz"
    with zipfile.ZipFile(io.BytesIO(encode_shot(shot))) as ours, zipfile.ZipFile(file, "w") as theirs:
        for name in ours.namelist():
            theirs.writestr(name, ours.read(name))
    encoded = file.read_bytes()
    result = generate(read_shot(encoded), model, tmp_path / "out", silent, file=file)
    assert result.shot.read_bytes() == encoded != encode_shot(shot)
    assert json.loads(result.record.read_text())["shot"]["sha256"] == sha256(result.shot)
