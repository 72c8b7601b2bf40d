"""Real footage into shards: every tracker's files, and everything that makes a video unfit."""

import dataclasses
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from isa_engine.body import open_body
from isa_engine.cli import main
from isa_engine.data.clips.stored_clips import Shards
from isa_engine.data.footage.clips import Ingestion, find_videos, recordings, split_of
from isa_engine.data.recordings import rendered
from isa_engine.data.recordings.media import EXACT, encode_video
from isa_engine.data.recordings.recording import ARRAYS, Recording
from isa_engine.data.recordings.report import Report
from isa_engine.errors import Cancelled
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.surface import surface_table
from tests.data.footage.filmed import FORMATS, HEIGHT, WIDTH, Tracked, scene, write_footage
from tests.data.recordings.recordings import recording

FRAMES = 27
SETTINGS = Ingestion(frames=18, shortest=9, short_side=HEIGHT, held_out=0.0)


@pytest.fixture(scope="module")
def filmed():
    return scene(seed=6, frames=FRAMES, characters=1)


@pytest.fixture(scope="module")
def person(filmed):
    return Tracked(filmed, 0)


@pytest.fixture(scope="module")
def good(filmed, person, tmp_path_factory):
    """A folder with one video that is fit."""
    folder = tmp_path_factory.mktemp("footage")
    FORMATS["gvhmr"](write_footage(folder, "good", filmed.video, filmed.mask), [person])
    return folder


def ingested(folder, is_smplx=True, settings=SETTINGS) -> tuple[list[Recording], Report]:
    report = Report()
    found = list(recordings(find_videos(folder), open_body(), is_smplx, settings, report))
    return [recording for _, recording in found], report


def pixels(body_table, betas, rotations, translation, intrinsics, camera_to_world) -> np.ndarray:
    vertices, _ = open_body().pose(betas, (), rotations, translation)
    points = body_table.points(vertices)
    world = np.stack([points[..., 0], -points[..., 2], points[..., 1]], -1)
    ndc, _ = project(world, modelview_projection(intrinsics, camera_to_world))
    return (ndc[..., :2] + 1) / 2 * [WIDTH, HEIGHT]


# The mean body stands where the trackers of SMPL saw a body of another shape, through another lens.
@pytest.mark.parametrize(
    ("tracker", "close"),
    [("smplx", 0.3), ("gvhmr", 0.3), ("amass", 0.02), ("wham", 1.5), ("phalp", 1.5), ("easymocap", 1.5)],
)
def test_a_track_is_posed_where_it_was_filmed(tracker, close, filmed, person, tmp_path):
    beside = write_footage(tmp_path, "video", filmed.video, filmed.mask)
    FORMATS[tracker](beside, [person])
    (recording,), report = ingested(tmp_path)
    assert report.skipped == []
    assert recording.source["tracker"] == tracker
    assert recording.video.shape == (18, HEIGHT, WIDTH, 3)
    assert np.array_equal(recording.video, filmed.video[:18])
    assert np.array_equal(recording.mask, filmed.mask[:18])
    body = open_body()
    table = surface_table(body.v_template, body.faces, 64)
    clip, actor = filmed.clip, filmed.actors[0]
    ours = pixels(
        table,
        recording.betas[0],
        recording.rotations[:, 0],
        recording.translation[:, 0],
        recording.intrinsics,
        recording.camera_to_world,
    )
    truth = pixels(
        table,
        actor.betas.numpy(),
        actor.rotations[:18].numpy(),
        actor.translation[:18].numpy(),
        clip.intrinsics[:18].numpy(),
        clip.camera_to_world[:18].numpy(),
    )
    assert np.abs(ours - truth).mean() < close
    # Only a world that was given a camera knows how the camera moved.
    assert recording.camera_known == (tracker in ("amass", "easymocap"))


def test_the_reference_is_from_another_time_of_the_shot(good, filmed):
    (recording,), _ = ingested(good)
    frame = recording.source["reference_frame"]
    assert frame >= 18 + 6
    assert np.array_equal(recording.references[0], filmed.video[frame])


def test_without_a_body_of_smplx_the_shape_is_the_mean(good):
    (recording,), _ = ingested(good, is_smplx=False)
    assert not recording.betas.any()


def test_a_film_is_on_one_side_of_the_split_whichever_part():
    films = [[split_of(Path(f"film{n}.{part}.mp4"), 0.3) for part in range(4)] for n in range(200)]
    assert all(len(set(parts)) == 1 for parts in films)
    assert 0.2 < sum(parts[0] == "held-out" for parts in films) / len(films) < 0.4
    assert split_of(Path("film.mp4"), 0.0) == "training"
    assert split_of(Path("film.mp4"), 1.0) == "held-out"


def spoil(kind: str, folder, filmed, person) -> None:
    """A video with one thing wrong, named after it."""
    video, mask = filmed.video.copy(), filmed.mask.copy()
    if kind == "blur":
        video = np.stack([np.array(Image.fromarray(f).filter(ImageFilter.GaussianBlur(4))) for f in video])
    elif kind == "cuts":
        video[9:18], video[18:] = 255 - video[9:18], video[18:, ::-1]
    elif kind == "tiny":
        kept = np.zeros_like(mask)
        for f, frame in enumerate(mask):
            rows = np.flatnonzero(frame.any(1))
            kept[f, rows[0] : rows[0] + 6] = frame[rows[0] : rows[0] + 6]
        mask = kept
    elif kind == "astray":
        mask = np.roll(mask, 40, axis=2)
    elif kind == "stranger":
        mask[:, :30, :20] = 9
    elif kind == "masks-fewer":
        mask = mask[:-2]
    beside = write_footage(folder, kind, video, mask)
    if kind not in ("pickle", "no-track"):
        FORMATS["gvhmr"](beside, [person])
    if kind == "broken-video":
        whole = (folder / "broken-video.mp4").read_bytes()
        (folder / "broken-video.mp4").write_bytes(whole[: len(whole) // 2])
    elif kind == "no-video":
        (folder / "no-video.mp4").write_bytes(b"#EXTM3U\nfile:///etc/passwd")
    elif kind == "mask-size":
        Image.fromarray(mask[3, :, :-2]).save(beside / "masks" / "00003.png")
    elif kind == "mask-broken":
        (beside / "masks" / "00003.png").write_bytes(b"no picture")
    elif kind == "pickle":
        (beside / "hmr4d_results.pt").write_bytes(pickle.dumps({"smpl_params_incam": {}}))
    elif kind in ("track-length", "track-broken", "track-jump"):
        fields = dict(np.load(beside / "gvhmr.npz"))
        if kind == "track-length":
            fields = {name: value[:-3] for name, value in fields.items()}
        elif kind == "track-broken":
            fields["transl"][4] = np.nan
        else:
            fields["transl"][8:, 0] += 1.5
        np.savez(beside / "gvhmr.npz", **fields)


UNFIT = {
    "blur": "blur",
    "cuts": "too short",
    # So little of a mask that the body is off it.
    "tiny": "bad track",
    "astray": "bad track",
    "stranger": "somebody untracked",
    "masks-fewer": "masks of another length",
    "broken-video": "broken video",
    "no-video": "broken video",
    "mask-size": "mask of another size",
    "mask-broken": "broken mask",
    "pickle": "track is a pickle",
    "no-track": "no track",
    "track-length": "track of another length",
    "track-broken": "bad track",
    "track-jump": "bad track",
}


def test_everything_unfit_is_named_and_counted_and_the_good_video_stored(
    good, filmed, person, tmp_path, capsys
):
    footage, out = tmp_path / "footage", tmp_path / "shards"
    shutil.copytree(good, footage)
    for kind in UNFIT:
        spoil(kind, footage, filmed, person)
    sizes = ["--frames", "18", "--shortest", "9", "--short-side", str(HEIGHT), "--held-out", "0"]
    assert main(["ingest", str(footage), "--out", str(out), *sizes]) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["inputs"] == len(UNFIT) + 1
    assert report["clips"] == 1
    reasons = {}
    for entry in report["skipped"]:
        reasons.setdefault(entry["name"].removesuffix(".mp4"), set()).add(entry["reason"])
    assert reasons == {kind: {reason} for kind, reason in UNFIT.items()}
    assert report["counts"]["too short"] == 3
    assert sum(report["counts"].values()) == len(report["skipped"]) == len(UNFIT) + 2
    table = capsys.readouterr().out
    assert all(f"skipped: {reason}" in table for reason in UNFIT.values())

    shards = Shards(out, points=16)
    assert [stored.description["frames"] for stored in shards.stored] == [18]
    clip = shards(0, 9, 32, 48)
    assert clip.video.shape == (3, 9, 32, 48)
    assert clip.reference_points.shape == (1, 16, 3)
    # A folder that has shards is not written over.
    assert main(["ingest", str(footage), "--out", str(out)]) == 1


def test_a_pickle_is_refused_with_what_to_do_about_it(filmed, person, tmp_path):
    spoil("pickle", tmp_path, filmed, person)
    _, report = ingested(tmp_path)
    assert "docs/dataset.md" in report.skipped[0]["detail"]


def write_rendered(folder: Path, clip: Recording) -> None:
    """As Blender leaves a clip."""
    pictures = {
        **{f"video/{f:04d}.png": frame for f, frame in enumerate(clip.video)},
        **{f"background/{f:04d}.png": frame for f, frame in enumerate(clip.background)},
        **{f"mask/{f:04d}.png": frame for f, frame in enumerate(clip.mask)},
        **{f"reference/{r}.png": picture for r, picture in enumerate(clip.references)},
    }
    for name, picture in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name)
    np.savez(folder / "arrays.npz", **{name: getattr(clip, name) for name in ARRAYS if name != "mask"})
    frames, height, width = clip.mask.shape
    about = {"frames": frames, "height": height, "width": width, "references": len(clip.references)}
    kept = {name: getattr(clip, name) for name in ("fps", "body", "split", "source")}
    (folder / "clip.json").write_text(json.dumps({"format": rendered.FORMAT} | about | kept))


def test_clips_that_blender_rendered_are_packed_exactly_and_broken_ones_named(tmp_path):
    whole = recording(frames=3)
    write_rendered(tmp_path / "clips" / "training-000001", whole)
    write_rendered(tmp_path / "clips" / "training-000002", recording(frames=3))
    (tmp_path / "clips" / "training-000002" / "mask" / "0001.png").unlink()
    out = tmp_path / "shards"
    assert main(["ingest", str(tmp_path / "clips"), "--out", str(out)]) == 0
    shards = Shards(out, points=1)
    (again,) = map(shards.read, shards.stored)
    assert np.array_equal(again.video, whole.video)
    assert np.array_equal(again.rotations, whole.rotations)
    (skipped,) = json.loads((out / "report.json").read_text())["skipped"]
    assert skipped["name"] == "training-000002"
    assert skipped["reason"] == "broken clip"


def test_ingestion_stops_when_it_is_told_to(good):
    def stop(done: int, videos: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        list(recordings(find_videos(good), open_body(), True, SETTINGS, Report(), stop))


def test_fast_footage_is_thinned_with_its_tracks_and_masks(good, filmed, tmp_path):
    shutil.copytree(good, tmp_path / "fast")
    (tmp_path / "fast" / "good.mp4").write_bytes(encode_video(filmed.video, 48.0, EXACT))
    settings = dataclasses.replace(SETTINGS, frames=7, shortest=5)
    (recording, *_), _ = ingested(tmp_path / "fast", settings=settings)
    assert recording.fps == 24
    assert np.array_equal(recording.video, filmed.video[:14:2])
    assert np.array_equal(recording.mask, filmed.mask[:14:2])


def test_a_world_without_its_camera_is_refused(filmed, person, tmp_path):
    beside = write_footage(tmp_path, "video", filmed.video, filmed.mask)
    FORMATS["amass"](beside, [person])
    content = json.loads((beside / "camera.json").read_text())
    for changes in (
        None,
        {"intrinsics": [[1, 2, 3]]},
        {"world_to_camera": [[[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]]},
        {"intrinsics": content["intrinsics"][:5]},
    ):
        if changes is None:
            (beside / "camera.json").unlink()
        else:
            (beside / "camera.json").write_text(json.dumps(content | changes))
        found, report = ingested(tmp_path)
        assert found == []
        assert list(report.counts()) == ["no camera"]
