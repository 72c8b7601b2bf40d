"""Trackers' files in the layouts that their own code writes."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.body import open_body
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.data.footage.linking import linked
from isa_engine.data.footage.track_formats import read_tracks
from isa_engine.data.footage.tracks import REST_PELVIS, Lens, Track, on_body

SIZE, FPS = (480, 640), 24.0


def detections(folder, frames: list[list[np.ndarray]]) -> None:
    """SMPLer-X's output: of each frame where the people's pelvises are, in the order of their scores."""
    (folder / "smplx").mkdir()
    (folder / "meta").mkdir()
    for number, people in enumerate(frames, start=1):
        for bbox_id, pelvis in enumerate(people):
            np.savez(
                folder / f"smplx/{number:05}_{bbox_id}.npz",
                global_orient=np.zeros((1, 3), np.float32),
                body_pose=np.zeros((21, 3), np.float32),
                left_hand_pose=np.full((15, 3), 0.1, np.float32),
                right_hand_pose=np.zeros((15, 3), np.float32),
                jaw_pose=np.zeros((1, 3), np.float32),
                leye_pose=np.zeros((1, 3)),
                reye_pose=np.zeros((1, 3)),
                betas=np.zeros((1, 10), np.float32),
                expression=np.zeros((1, 10), np.float32),
                transl=(pelvis - REST_PELVIS["smplx"])[None].astype(np.float32),
            )
            meta = {
                "focal": [600.0, 600.0],
                "princpt": [320.0, 240.0],
                "bbox": [0.0, 0.0, 1.0, 1.0],
                "bbox_id": bbox_id,
                "img_path": f"{number:06d}.jpg",
            }
            (folder / f"meta/{number:05}_{bbox_id}.json").write_text(json.dumps(meta, indent=4))


def test_smpler_xs_detections_become_people_whatever_their_order(tmp_path):
    left = [np.array([-1.0 + 0.05 * f, 0, 4.0]) for f in range(12)]
    right = [np.array([1.0 - 0.05 * f, 0.1, 5.0]) for f in range(12)]
    both = [[a, b] if f % 2 else [b, a] for f, (a, b) in enumerate(zip(left, right, strict=True))]
    # One is hidden for a while.
    for f in (5, 6):
        both[f] = [left[f]]
    detections(tmp_path, both)
    tracker, tracks = read_tracks(tmp_path, SIZE, 12, FPS)
    assert tracker == "smplx"
    first, second = sorted(tracks, key=lambda track: track.pelvis[0, 0])
    assert np.allclose(first.pelvis, left, atol=1e-5)
    assert first.frames.tolist() == list(range(12))
    assert np.allclose(second.pelvis, [p for f, p in enumerate(right) if f not in (5, 6)], atol=1e-5)
    assert second.frames.tolist() == [f for f in range(12) if f not in (5, 6)]


@given(st.integers(1, 4), st.integers(2, 12), st.randoms(use_true_random=False))
def test_links_do_not_depend_on_the_order_in_a_frame(people, frames, random):
    rows = []
    for f in range(frames):
        shuffled = list(range(people))
        random.shuffle(shuffled)
        rows += [(f, k) for k in shuffled]
    number, who = np.array(rows).T
    pixel = np.stack([200.0 * who + 8.0 * number, np.zeros(len(who))], 1)
    named = linked(number, pixel, np.full(len(who), 100.0))
    assert len({*zip(who.tolist(), named.tolist(), strict=True)}) == people
    assert len(np.unique(named)) == people


def test_who_comes_back_after_long_or_far_away_is_somebody_new():
    number = np.array([0, 1, 40, 41])
    assert linked(number, np.zeros((4, 2)), np.full(4, 100.0)).tolist() == [0, 0, 1, 1]
    pixel = np.array([[0.0, 0], [10, 0], [200, 0], [210, 0]])
    assert linked(np.arange(4), pixel, np.full(4, 100.0)).tolist() == [0, 0, 1, 1]


def test_fingers_from_the_relaxed_hand_are_turned_to_the_flat_one(tmp_path):
    detections(tmp_path, [[np.array([0, 0, 4.0])]])
    (track,) = read_tracks(tmp_path, SIZE, 1, FPS)[1]
    relaxed = np.random.default_rng(0).normal(0, 0.3, (30, 3)).astype(np.float32)
    body = dataclasses.replace(open_body(), hands_mean=relaxed)
    placed, _ = on_body(track, body, is_smplx=True)
    assert np.allclose(placed.rotations[0, 25:40], relaxed[:15] + 0.1)
    assert np.allclose(placed.rotations[0, 40:], relaxed[15:])
    assert np.allclose(track.rotations[0, 25:40], 0.1)
    flat = Track("0", np.arange(1), np.zeros((1, 55, 3)), np.ones((1, 3)), np.zeros(0), lens())
    assert not on_body(flat, body, is_smplx=True)[0].rotations.any()


def lens() -> Lens:
    return Lens(np.ones((1, 2)), np.zeros((1, 2)))


BODY = np.random.default_rng(1).normal(0, 0.4, (21, 3))
RH, TH = np.array([0.3, -0.2, 1.1]), np.array([0.5, 1.0, 0.9])
ROOT, HANDS, FACE = np.zeros(3), np.zeros(6), np.zeros(9)


@pytest.mark.parametrize(
    ("poses", "others", "rest"),
    [
        ([ROOT, BODY, HANDS], {}, "smpl"),
        ([ROOT, BODY, HANDS, HANDS], {}, "smpl"),
        ([ROOT, BODY, HANDS, HANDS, FACE], {"expression": np.zeros(10)}, "smplx"),
        ([BODY, HANDS], {}, "smpl"),
        ([BODY], {"handl": HANDS, "handr": HANDS}, "smpl"),
        ([BODY, FACE], {"handl": HANDS, "handr": HANDS, "expression": np.zeros(10)}, "smplx"),
    ],
    ids=["smpl", "smplh", "smplx", "smpl without root", "smplh without root", "smplx without root"],
)
def test_easymocaps_poses_are_read_with_their_root_and_without(poses, others, rest, tmp_path):
    (tmp_path / "easymocap").mkdir()
    person = {"Rh": RH, "Th": TH, "poses": np.concatenate([part.reshape(-1) for part in poses])}
    person |= {**others, "shapes": np.zeros(10)}
    # As its writer breaks the lines.
    fields = [
        f'"{key}": [\r\n          [{", ".join(f"{x:.3f}" for x in row)}]\r\n        ]'
        for key, row in person.items()
    ]
    text = '[\n    {\n        "id": 3,\n        ' + ",\n        ".join(fields) + "\n    }\n]\n"
    (tmp_path / "easymocap/000000.json").write_text(text)
    (track,) = read_tracks(tmp_path, SIZE, None, FPS)[1]
    assert track.person == "3"
    assert np.allclose(track.rotations[0, 1:22], BODY, atol=1e-3)
    assert np.allclose(track.rotations[0, 0], RH, atol=1e-3)
    assert np.allclose(track.pelvis[0], matrices(RH) @ REST_PELVIS[rest] + TH, atol=1e-3)
    assert np.allclose(axis_angles(matrices(track.rotations[0, 22:])), 0)
