"""What is written is what is read."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from isa_engine.body import SMPLX_JOINTS, open_body
from isa_engine.body.fitting.keypoints import face_points
from isa_engine.configuration.policies import EXACT, FORECAST
from isa_engine.shot import Character, Kept, encode_shot, read_shot, write_shot
from isa_engine.shot.shot import SKELETON
from tests.shot.shots import JPEG, NAMES, any_shot, header, same, small_shot


@given(any_shot())
def test_a_shot_comes_back_as_it_was_and_is_the_same_bytes_again(shot):
    content = encode_shot(shot)
    again = read_shot(content)
    assert same(again, shot)
    assert encode_shot(shot) == encode_shot(again) == content


@pytest.mark.parametrize("name", NAMES)
def test_any_name_that_blender_allows_survives(name):
    anna, ben = small_shot().characters
    shot = small_shot(characters=(Character(name, anna.points, anna.triangles, anna.reference), ben))
    assert read_shot(encode_shot(shot)).characters[0].name == name


def test_the_file_and_the_bytes_over_the_network_are_the_same(tmp_path):
    shot = small_shot(references=(JPEG + b"picture",))
    path = tmp_path / "Ünï code's shot.npz"
    write_shot(shot, path)
    assert path.read_bytes() == encode_shot(shot)
    assert same(read_shot(path), shot)
    assert same(read_shot(str(path)), shot)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_numpy_opens_the_file_without_pickle(tmp_path):
    write_shot(small_shot(), tmp_path / "shot.npz")
    with np.load(tmp_path / "shot.npz", allow_pickle=False) as arrays:
        assert {"header", "frame_numbers", "character_1_points", "background"} <= set(arrays.files)
        assert np.array_equal(arrays["frame_numbers"], [10, 12, 14])


def test_what_is_derived_follows_from_what_is_stored():
    shot = small_shot()
    assert (shot.frames, shot.frame_step) == (3, 2)
    # A point one metre below and ahead of the camera at (0, 0, 5).
    x, y, _, w = shot.mvp[0] @ [0, -1, 4, 1]
    assert np.allclose([x / w, y / w], [0, -3.5 + 0.1])
    # Who asks for them frame by frame has them made once.
    assert shot.mvp is shot.mvp
    assert not np.array_equal(replace(shot, intrinsics=2 * shot.intrinsics).mvp, shot.mvp)


def skeleton() -> np.ndarray:
    """Of the small shot's three frames, without fingers."""
    places = np.random.default_rng(3).normal(size=(3, SKELETON, 3)).astype(np.float32)
    places[:, 25:55] = np.nan
    return places


@pytest.mark.parametrize(
    ("of_anna", "of_all"),
    [
        ({"skeleton": skeleton()}, {}),
        ({"prompt": "a red coat"}, {}),
        ({}, {"prompt": "a street in the rain"}),
        ({}, {"negative_prompt": "text, logos"}),
    ],
)
def test_joints_and_words_make_the_file_a_version_2_and_silence_leaves_it_as_it_was(of_anna, of_all):
    anna, ben = small_shot().characters
    settings = replace(small_shot().settings, **of_all)
    shot = small_shot(characters=(replace(anna, **of_anna), ben), settings=settings)
    assert version(encode_shot(shot)) == 2
    assert same(read_shot(encode_shot(shot)), shot)
    assert not {"prompt", "negative_prompt"} & header(encode_shot(small_shot()))["settings"].keys()


def test_a_segment_has_its_own_frames_of_every_joint():
    anna, ben = small_shot().characters
    shot = small_shot(characters=(replace(anna, skeleton=skeleton()), ben), cuts=(1,))
    parts = [shot.segment(k).characters[0].skeleton for k in (0, 1)]
    assert [len(part) for part in parts] == [1, 2]
    assert np.array_equal(np.concatenate(parts), skeleton(), equal_nan=True)


def test_the_skeleton_is_of_all_joints_and_of_the_face():
    assert len(SMPLX_JOINTS) + len(face_points(open_body().joints())) == SKELETON


def version(content: bytes) -> int:
    return header(content)["version"]


def test_a_policy_makes_the_file_a_version_3_and_a_file_without_one_is_exact():
    spared = replace(small_shot().settings, policy=FORECAST)
    encoded = encode_shot(small_shot(settings=spared))
    assert version(encoded) == 3
    assert read_shot(encoded).settings == spared
    assert "policy" not in header(encode_shot(small_shot()))["settings"]
    assert read_shot(encode_shot(small_shot())).settings.policy == EXACT


def test_people_who_are_painted_one_by_one_make_the_file_a_version_5():
    apart = replace(small_shot().settings, one_by_one=True)
    encoded = encode_shot(small_shot(settings=apart))
    assert version(encoded) == 5
    assert read_shot(encoded).settings == apart
    assert "one_by_one" not in header(encode_shot(small_shot()))["settings"]
    assert read_shot(encode_shot(small_shot())).settings.one_by_one is False


@pytest.mark.parametrize("frames", [1, 3])
def test_how_far_the_background_is_makes_the_file_a_version_6_and_is_each_segments_own(frames):
    depth = np.linspace(0.5, 9, frames * 128 * 224).reshape(frames, 128, 224).astype(np.float16)
    depth[:, 0] = np.inf
    shot = small_shot(background_depth=depth, cuts=(1,))
    assert version(encode_shot(shot)) == 6
    assert same(read_shot(encode_shot(shot)), shot)
    assert "background_depth" not in header(encode_shot(small_shot()))
    assert read_shot(encode_shot(small_shot())).background_depth is None
    parts = [shot.segment(k).background_depth for k in (0, 1)]
    assert np.array_equal(np.concatenate(parts[:frames]), depth)
    assert len(parts[1]) in (1, 2)


def test_what_steers_makes_the_file_a_version_6_where_it_is_not_skeletons():
    steered = replace(small_shot().settings, steering="depth")
    encoded = encode_shot(small_shot(settings=steered))
    assert version(encoded) == 6
    assert read_shot(encoded).settings == steered
    assert "steering" not in header(encode_shot(small_shot()))["settings"]
    assert read_shot(encode_shot(small_shot())).settings.steering == "pose"


@pytest.mark.parametrize("steering", ["pose", "depth"])
def test_boxes_make_the_file_a_version_7_and_files_of_before_are_of_bodies(steering):
    bodies = replace(small_shot().settings, steering=steering)
    boxes = replace(bodies, painted="boxes")
    encoded, before = encode_shot(small_shot(settings=boxes)), encode_shot(small_shot(settings=bodies))
    assert version(encoded) == 7
    assert read_shot(encoded).settings == boxes
    assert version(before) == (1 if steering == "pose" else 6)
    assert "painted" not in header(before)["settings"]
    assert read_shot(before).settings.painted == "mask"


def test_a_plate_larger_than_its_canvas_makes_the_file_a_version_8():
    larger = replace(small_shot().settings, plate_scale=4)
    encoded = encode_shot(small_shot(settings=larger))
    assert version(encoded) == 8
    assert read_shot(encoded).settings == larger
    assert "plate_scale" not in header(encode_shot(small_shot()))["settings"]
    assert read_shot(encode_shot(small_shot())).settings.plate_scale == 1


def test_what_is_kept_of_a_take_makes_the_file_a_version_4():
    kept = Kept(np.ones((4, 2, 2, 2), np.float32), np.array([False, True]), "random", "ab" * 32)
    encoded = encode_shot(small_shot(kept=kept))
    assert version(encoded) == 4
    assert same(read_shot(encoded).kept, kept)
    assert "kept" not in header(encode_shot(small_shot()))


def test_a_character_that_is_hidden_for_a_while_makes_the_file_a_version_2():
    anna, ben = small_shot().characters
    always = encode_shot(small_shot())
    away = replace(anna, shown=np.array([True, False, True]))
    encoded = encode_shot(small_shot(characters=(away, ben)))
    assert [version(content) for content in (always, encoded)] == [1, 2]
    read = read_shot(encoded).characters
    assert read[0].shown.tolist() == [True, False, True]
    assert read[1].shown is None
    # As long as nobody is hidden the bytes, and so the shot's hash, are as they were.
    written_out = replace(anna, shown=np.ones(3, bool))
    assert encode_shot(small_shot(characters=(written_out, ben))) == always
