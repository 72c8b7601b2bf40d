"""What goes into a shard comes out of it; what is broken or hostile is passed over, named and counted."""

import dataclasses
import io
import json
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.body import open_body
from isa_engine.cli import main
from isa_engine.data.clips.cropping import crop_around
from isa_engine.data.clips.stored_clips import Shards
from isa_engine.data.recordings.media import EXACT, NEARLY_EXACT
from isa_engine.data.recordings.members import describe, pack, unpack
from isa_engine.data.recordings.recording import Recording
from isa_engine.data.recordings.shards import read_member, shard_index, write_shard
from isa_engine.errors import DataError
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.surface import POINTS, surface_table
from tests.data.recordings.recordings import recording


def assert_equal(one: Recording, other: Recording) -> None:
    for field in dataclasses.fields(Recording):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


def write(folder, recordings: dict[str, dict[str, bytes]], name: str = "000000.tar"):
    write_shard(folder / name, recordings.items())
    return folder / name


def stored(folder, count: int, **changes) -> list[Recording]:
    recordings = [recording(seed=seed, **changes) for seed in range(count)]
    write(folder, {f"clip-{i}": pack(r, EXACT) for i, r in enumerate(recordings)})
    return recordings


@settings(max_examples=12)
@given(
    frames=st.integers(1, 6),
    sides=st.tuples(st.integers(4, 12), st.integers(4, 12)),
    characters=st.integers(1, 4),
    seed=st.integers(0, 1000),
    fps=st.sampled_from([24.0, 25.0, 23.976, 59.94]),
)
def test_a_recording_comes_back_exactly(frames, sides, characters, seed, fps):
    before = recording(frames, 2 * sides[0], 2 * sides[1], characters, seed, fps=fps)
    assert_equal(before, unpack(pack(before, EXACT)))


def test_footage_comes_back_nearly():
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    smooth = np.stack([np.roll(np.broadcast_to(ramp[:, None], (64, 64)), s, 0) for s in range(5)])
    before = recording(
        5, 64, 64, video=np.repeat(smooth[..., None], 3, -1), background=np.zeros((5, 64, 64, 3), np.uint8)
    )
    exact, nearly = pack(before, EXACT), pack(before, NEARLY_EXACT)
    error = unpack(nearly).video.astype(float) - before.video
    assert 20 * np.log10(255 / np.sqrt((error**2).mean() + 1e-9)) > 40
    assert len(nearly["video.mp4"]) < len(exact["video.mp4"])


def test_the_same_recordings_give_the_same_bytes(tmp_path):
    recordings = {"clip-0": recording(seed=4)}
    for name in ("one.tar", "other.tar"):
        write(tmp_path, {key: pack(r, EXACT) for key, r in recordings.items()}, name)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()


def test_a_shard_is_a_webdataset_of_members_that_no_pickle_can_hide_in(tmp_path):
    stored(tmp_path, 2)
    with tarfile.open(tmp_path / "000000.tar") as tar:
        names = tar.getnames()
        # Whoever packs them, whenever.
        assert {(member.mtime, member.uid, member.uname) for member in tar} == {(0, 0, "")}
    # A recording's members lie together, and its key ends at the first dot.
    keys = [name.partition(".")[0] for name in names]
    assert keys == sorted(keys)
    endings = {name.partition(".")[2] for name in names}
    assert endings == {
        "json",
        "arrays.npz",
        "video.mp4",
        "background.mp4",
        "reference.0.png",
        "reference.1.png",
    }


def test_a_stopped_shard_leaves_nothing(tmp_path):
    def recordings():
        yield "clip-0", {"json": b"{}"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "000000.tar", recordings())
    assert not list(tmp_path.iterdir())


def test_a_clip_agrees_with_its_recording(tmp_path):
    (before,) = stored(tmp_path, 1)
    clip = Shards(tmp_path, points=32)(0, 5, 16, 24)
    pixels = ((clip.video + 1) * 127.5).round().byte().permute(1, 2, 3, 0).numpy()
    assert np.array_equal(pixels, before.video)
    assert np.array_equal(clip.mask.numpy(), before.mask)
    assert np.array_equal(clip.reference_of.numpy(), before.reference_of)
    assert np.allclose(clip.intrinsics, before.intrinsics)
    assert clip.points.shape == clip.normals.shape == (5, 2, 32, 3)
    assert clip.reference_points.shape == (2, 32, 3)
    assert torch.allclose(clip.normals.norm(dim=-1), torch.ones(5, 2, 32), atol=1e-4)


def test_all_of_a_stored_bodys_points_come_with_what_joins_them_and_fewer_without(tmp_path):
    stored(tmp_path, 1)
    whole, fewer = (Shards(tmp_path, points=count)(0, 1, 16, 24) for count in (POINTS, 32))
    assert fewer.triangles is None
    assert np.array_equal(whole.triangles, surface_table(open_body().v_template, open_body().faces).triangles)
    assert torch.equal(whole.first_points(32).points, fewer.points)


@given(
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    canvas=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    lens=st.tuples(st.floats(0.5, 4), st.floats(0.5, 4), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    shift=st.floats(-3, 3),
)
def test_a_point_stays_on_its_pixel_whatever_is_cropped(size, canvas, lens, shift):
    whole = np.array([lens], np.float32)
    place = np.eye(4, dtype=np.float32)[None]
    points = np.random.default_rng(0).normal([shift, 0, -5], 0.3, (1, 6, 3)).astype(np.float32)
    crop = crop_around(torch.from_numpy(points), whole, place, size, *canvas)

    def pixels(intrinsics, height, width):
        ndc, _ = project(points.astype(np.float64), modelview_projection(intrinsics, place))
        return np.stack([(ndc[0, :, 0] + 1) / 2 * width, (1 - ndc[0, :, 1]) / 2 * height], -1)

    before = pixels(whole, *size) - [crop.left, crop.top]
    assert np.allclose(before, pixels(crop.intrinsics(whole), crop.height, crop.width), atol=1e-3)
    # As large as the picture allows, and inside it.
    assert crop.height == size[0] or crop.width == size[1]
    assert 0 <= crop.top <= size[0] - crop.height
    assert 0 <= crop.left <= size[1] - crop.width


def test_a_crop_shows_the_pixels_that_its_camera_names(tmp_path):
    video = np.zeros((1, 32, 64, 3), np.uint8)
    before = recording(1, 32, 64, 1, video=video, translation=np.array([[[1.5, 0, 0]]], np.float32))
    write(tmp_path, {"clip": pack(before, EXACT)})
    probe = Shards(tmp_path, points=1)(0, 1, 32, 32)
    mvp = modelview_projection(before.intrinsics, before.camera_to_world)
    ndc, _ = project(probe.points[:, 0].double().numpy(), mvp)
    column, row = int((ndc[0, 0, 0] + 1) / 2 * 64), int((1 - ndc[0, 0, 1]) / 2 * 32)
    video[0, row, column] = 255
    write(tmp_path, {"clip": pack(dataclasses.replace(before, video=video), EXACT)})
    clip = Shards(tmp_path, points=1)(0, 1, 32, 32)
    mvp = modelview_projection(clip.intrinsics.numpy(), clip.camera_to_world.numpy())
    ndc, _ = project(clip.points[:, 0].double().numpy(), mvp)
    shown = clip.video[0, 0, int((1 - ndc[0, 0, 1]) / 2 * 32), int((ndc[0, 0, 0] + 1) / 2 * 32)]
    assert shown == 1


def test_a_seed_is_a_clip(tmp_path):
    stored(tmp_path, 4, frames=3)
    shards = Shards(tmp_path, points=1)
    assert torch.equal(shards(7, 2, 16, 24).video, Shards(tmp_path, points=1)(7, 2, 16, 24).video)
    drawn = {shards(seed, 3, 16, 24).video.sum().item() for seed in range(12)}
    assert len(drawn) > 1


def test_only_recordings_of_the_split_that_are_long_enough_are_drawn(tmp_path):
    write(
        tmp_path,
        {
            "short": pack(recording(frames=1), EXACT),
            "long": pack(recording(frames=5), EXACT),
            "foreign": pack(recording(frames=9, split="held-out"), EXACT),
        },
    )
    shards = Shards(tmp_path, points=1)
    assert {stored.key for stored in shards.stored} == {"short", "long"}
    assert shards(3, 5, 16, 24).video.shape[1] == 5
    with pytest.raises(DataError, match="no recording has 6 frames; the longest has 5"):
        shards(0, 6, 16, 24)
    (tmp_path / "held-out").mkdir()
    write(tmp_path / "held-out", {"foreign": pack(recording(split="held-out"), EXACT)})
    with pytest.raises(DataError, match="no recordings of the split 'training'"):
        Shards(tmp_path / "held-out", points=1)
    with pytest.raises(DataError, match="no shards"):
        Shards(tmp_path / "nowhere", points=1)


class Bomb:
    """Runs a program when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


def arrays(**changes) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **changes)
    return buffer.getvalue()


def spoilt(kind: str) -> dict[str, bytes]:
    """A recording with one thing wrong."""
    members = pack(recording(), EXACT)
    description = json.loads(members["json"])
    whole = dict(np.load(io.BytesIO(members["arrays.npz"])))
    if kind == "no video":
        del members["video.mp4"]
    elif kind == "truncated video":
        members["video.mp4"] = members["video.mp4"][: len(members["video.mp4"]) // 2]
    elif kind == "a playlist":
        members["video.mp4"] = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    elif kind == "video of another length":
        members["video.mp4"] = pack(recording(frames=4), EXACT)["video.mp4"]
    elif kind == "video of another size":
        members["video.mp4"] = pack(recording(height=18), EXACT)["video.mp4"]
    elif kind == "mask of another size":
        members["arrays.npz"] = arrays(**whole | {"mask": whole["mask"][:, :8]})
    elif kind == "mask of a stranger":
        members["arrays.npz"] = arrays(**whole | {"mask": whole["mask"] + np.uint8(7)})
    elif kind == "track of another length":
        members["arrays.npz"] = arrays(**whole | {"rotations": whole["rotations"][:3]})
    elif kind == "not a number":
        members["arrays.npz"] = arrays(**whole | {"translation": whole["translation"] * np.nan})
    elif kind == "other numbers":
        members["arrays.npz"] = arrays(**whole | {"betas": whole["betas"].astype(complex)})
    elif kind == "more shape than the body":
        members["arrays.npz"] = arrays(**whole | {"betas": np.zeros((2, 400), np.float32)})
    elif kind == "joints of another body":
        fewer = {name: whole[name][..., :24, :] for name in ("rotations", "reference_rotations")}
        members["arrays.npz"] = arrays(**whole | fewer)
    elif kind == "a pickle":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in whole.keys() - {"betas"}:
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, whole[name])
            archive.writestr("betas.npy", np_pickle())
        members["arrays.npz"] = buffer.getvalue()
    elif kind == "arrays that are a pickle":
        members["arrays.npz"] = pickle.dumps(Bomb())
    elif kind == "a picture that is none":
        members["reference.1.png"] = b"GIF89a"
    elif kind == "no description":
        del members["json"]
    elif kind == "no JSON":
        members["json"] = b"{" * 100000
    elif kind == "another format":
        members["json"] = json.dumps(description | {"format": "isa-clip 99"}).encode()
    elif kind == "a huge claim":
        members["json"] = json.dumps(description | {"height": 2**40}).encode()
    elif kind == "a body that is not here":
        members["json"] = json.dumps(description | {"body": "0" * 16}).encode()
    return members


def np_pickle() -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Bomb()], object), allow_pickle=True)
    return buffer.getvalue()


BROKEN = {
    "no video": "the member is missing (video.mp4)",
    "truncated video": "video.mp4",
    "a playlist": "the video cannot be decoded (video.mp4)",
    "video of another length": "4 frames instead of 5",
    "video of another size": "video.mp4",
    "mask of another size": "mask",
    "mask of a stranger": "character 9 of 2",
    "track of another length": "the shape is",
    "not a number": "some of the numbers are not finite (translation)",
    "other numbers": "the values are complex",
    "more shape than the body": "10 shape components",
    "joints of another body": "the body has 55 joints (rotations)",
    "a pickle": "arrays cannot be read",
    "arrays that are a pickle": "arrays cannot be read",
    "a picture that is none": "reference.1.png",
    "no description": "the member is missing (json)",
    "no JSON": "not JSON",
    "another format": "format",
    "a huge claim": "too large",
    "a body that is not here": "--body",
}


def test_every_broken_recording_is_named_and_counted_and_the_whole_one_is_read(tmp_path):
    recordings = {"whole": pack(recording(), EXACT)}
    recordings |= {kind.replace(" ", "-"): spoilt(kind) for kind in BROKEN}
    write(tmp_path, recordings)
    shards = Shards(tmp_path, points=1)
    assert [stored.key for stored in shards.stored if shards.read(stored)] == ["whole"]
    assert len(shards.broken) == len(BROKEN)
    for kind, reason in BROKEN.items():
        assert reason in shards.broken[f"000000.tar/{kind.replace(' ', '-')}"], kind


def test_what_a_seed_gives_does_not_depend_on_what_was_found_broken_before(tmp_path):
    recordings = {f"clip-{i}": pack(recording(seed=i), EXACT) for i in range(3)}
    del recordings["clip-1"]["video.mp4"]
    write(tmp_path, recordings)
    used = Shards(tmp_path, points=1)
    drawn = [used(seed, 5, 16, 24).video for seed in range(6)]
    assert used.broken
    fresh = Shards(tmp_path, points=1)
    for seed in reversed(range(6)):
        assert torch.equal(fresh(seed, 5, 16, 24).video, drawn[seed])


def test_nothing_but_broken_recordings_is_said_and_does_not_hang(tmp_path):
    members = pack(recording(), EXACT)
    del members["video.mp4"]
    write(tmp_path, {"clip": members})
    with pytest.raises(DataError, match="broken"):
        Shards(tmp_path, points=1)(0, 5, 16, 24)


def test_a_truncated_shard_and_one_that_is_no_tar_are_named_and_the_others_read(tmp_path):
    stored(tmp_path, 2)
    whole = (tmp_path / "000000.tar").read_bytes()
    (tmp_path / "000001.tar").write_bytes(whole[:5000])
    (tmp_path / "000002.tar").write_bytes(b"no tar at all" * 100)
    shards = Shards(tmp_path, points=1)
    assert len([stored for stored in shards.stored if shards.read(stored)]) == 2
    assert {name.partition("/")[0] for name in shards.broken} == {"000001.tar", "000002.tar"}


def test_names_that_lead_out_of_the_shard_and_links_are_passed_over(tmp_path):
    path = tmp_path / "000000.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (
            ("../evil.json", tarfile.REGTYPE),
            ("/etc/evil.json", tarfile.REGTYPE),
            ("link.json", tarfile.SYMTYPE),
            ("pipe.json", tarfile.FIFOTYPE),
            ("good.json", tarfile.REGTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    assert set(shard_index(path)) == {"good"}
    with pytest.raises(DataError, match="bytes"):
        read_member(path, (0, 2**40))


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_no_description_breaks_the_reader(content):
    with pytest.raises(DataError):
        describe(content)


def test_the_check_counts_what_is_there_and_names_what_is_broken(tmp_path, capsys):
    stored(tmp_path, 2)
    assert main(["shards", str(tmp_path)]) == 0
    assert "broken" in capsys.readouterr().out
    broken = pack(recording(split="held-out"), EXACT)
    del broken["background.mp4"]
    write(tmp_path, {"bad": broken}, "000001.tar")
    assert main(["shards", str(tmp_path), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["counts"]["clips"] == shown["counts"]["split: training"] == 2
    assert shown["counts"]["frames"] == 10
    assert shown["counts"]["broken"] == 1
    assert "background.mp4" in shown["broken"]["000001.tar/bad"]


def test_footage_whose_camera_is_unknown_says_so(tmp_path):
    write(tmp_path, {"clip": pack(recording(camera_known=False), EXACT)})
    assert not Shards(tmp_path, points=1)(0, 5, 16, 24).camera_known
