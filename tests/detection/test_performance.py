"""A motion from what was seen frame by frame: smoothed, its sides in order, on feet that do not slide."""

from dataclasses import replace

import numpy as np
import pytest

from isa_engine.body import bundled_motion, open_body
from isa_engine.body.fitting.landmarks import LANDMARKS, Sighting, detected_offsets
from isa_engine.body.model.rotation import matrices
from isa_engine.data.footage.detected import detected_video
from isa_engine.data.footage.people import tracked_people
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.detection.detector import Footage
from isa_engine.detection.feet import on_their_feet, posed, spans, stands
from isa_engine.detection.performance import guessed_intrinsics, performances, smoothed
from isa_engine.detection.steady import steadied
from isa_engine.detection.track_file import write_tracks
from tests.detection.sightings import sighting

SIZE, RATE = (640, 480), 24.0
LENS = guessed_intrinsics(SIZE)
LEGS = [LANDMARKS.index(f"{side}_{point}") for side in ("left", "right") for point in ("knee", "ankle")]


@pytest.fixture(scope="module")
def body():
    return open_body()


@pytest.fixture(scope="module")
def walk(body) -> tuple[np.ndarray, np.ndarray, list[Sighting]]:
    """Rotations, places of the pelvis, and what a trembling detector sees of somebody who walks past."""
    motion = bundled_motion("walk").resampled(RATE)
    rotations = motion.rotations[10:34].astype(float)
    way = matrices(np.array([0, 1.2, 0]))
    rotations[:, 0] = [turned_by(way, rotation) for rotation in rotations[:, 0]]
    moved = (motion.translation[10:34] - motion.translation[10]) @ way.T
    place = moved + np.array([-0.6, 0.0, -5.0])
    random = np.random.default_rng(2)
    seen = []
    for rotation, where in zip(rotations, place, strict=True):
        one = sighting(body, rotation, where, SIZE, LENS, elsewhere=detected_offsets())
        tremble = random.normal(0, 1.0, one.places.shape), random.normal(0, 0.02, one.shape.shape)
        seen.append(replace(one, places=one.places + tremble[0], shape=one.shape + tremble[1]))
    return rotations, place, seen


def turned_by(way: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    from isa_engine.body.model.rotation import axis_angles

    return axis_angles(way @ matrices(rotation))


def performed(body, seen: list[Sighting]):
    return performances(Footage(SIZE, RATE, [{0: one} for one in seen]), body)


def joints_of(body, one) -> np.ndarray:
    return posed(matrices(one.rotations), one.pelvis, body.joints().astype(float))[1]


def test_who_walks_past_walks_past_without_trembling_or_sliding(body, walk):
    rotations, place, seen = walk
    (found,) = performed(body, seen)
    rest = body.joints().astype(float)
    truth = posed(matrices(rotations), place, rest)[1]
    joints = joints_of(body, found)
    assert found.frames.tolist() == list(range(len(seen)))
    off = np.linalg.norm((joints - joints[:, :1] - truth + truth[:, :1])[:, :22], axis=-1)
    assert off.mean() < 0.06
    assert np.linalg.norm(found.pelvis - place, axis=1).mean() < 0.25
    shake = np.linalg.norm(np.diff(joints[:, :22] - joints[:, :1], 2, axis=0), axis=-1).mean() * RATE**2
    true_shake = np.linalg.norm(np.diff(truth[:, :22] - truth[:, :1], 2, axis=0), axis=-1).mean() * RATE**2
    assert shake < 1.5 * true_shake
    balls = joints[:, [10, 11]]
    speed = np.linalg.norm(np.diff(balls, axis=0), axis=-1) * RATE
    still = np.linalg.norm(np.diff(truth[:, [10, 11]], axis=0), axis=-1) * RATE < 0.2
    assert still.any()
    assert speed[still].mean() < 0.35


def test_feet_that_stand_are_held_where_they_stand(body):
    rest, random = body.joints().astype(float), np.random.default_rng(0)
    frames = 30
    turned = np.tile(np.eye(3), (frames, 55, 1, 1))
    bent = matrices(np.array([[-0.5, 0, 0], [1.0, 0, 0]]))
    turned[:, [1, 2]], turned[:, [4, 5]] = bent[0], bent[1]
    pelvis = np.array([0, 1.0, -5.0]) + np.cumsum(random.normal(0, 0.01, (frames, 3)), 0)
    places = np.tile(np.array([320.0, 400.0]), (frames, len(LANDMARKS), 1))
    time = np.arange(frames) / RATE
    after, place, standing = on_their_feet(turned, pelvis, places, rest, time, SIZE, LENS)
    assert standing.all()
    before, held = (posed(t, p, rest)[1][5:-5, [10, 11]] for t, p in ((turned, pelvis), (after, place)))
    assert np.ptp(before, axis=0).max() > 0.05
    assert np.ptp(held, axis=0).max() < 0.005
    np.testing.assert_allclose(np.linalg.det(after), 1, atol=1e-6)


def test_who_is_in_the_air_is_held_by_nothing(body):
    time = np.arange(20) / RATE
    soles = np.stack([np.stack([time * 2, time * 0], 1)] * 2, 1)
    assert not stands(soles, np.concatenate([soles, soles[..., :1] * 0], -1), time).any()
    assert spans(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert spans(np.zeros(3, bool)) == []


def test_a_joint_that_leaps_for_a_frame_is_left_out():
    time = np.arange(15) / RATE
    turned = matrices(np.stack([np.zeros(15), time * 2, np.zeros(15)], 1))[:, None]
    leaping = turned.copy()
    leaping[7] = matrices(np.array([1.5, 0, 0]))
    calm = smoothed(leaping, np.ones(15), time)
    off = np.arccos((np.trace(np.swapaxes(turned, -1, -2) @ calm, axis1=-2, axis2=-1) - 1) / 2)
    assert off[3:-3].max() < 0.06


def test_limbs_that_change_sides_are_put_back(walk):
    _, _, seen = walk
    crossed = list(seen)
    for frame in (9, 15):
        one = seen[frame]
        both = [index for index, name in enumerate(LANDMARKS) if name.startswith("left_")]
        other = [LANDMARKS.index(LANDMARKS[index].replace("left", "right")) for index in both]
        places, shape = one.places.copy(), one.shape.copy()
        for part in (places, shape):
            part[both], part[other] = part[other].copy(), part[both].copy()
        crossed[frame] = replace(one, places=places, shape=shape)
    steady = steadied(crossed)
    for frame in (9, 15):
        np.testing.assert_allclose(steady[frame].places[LEGS], seen[frame].places[LEGS])


def test_a_frame_in_which_somebody_shrinks_is_left_out_and_a_landmark_that_leaps_is_doubted(walk):
    _, _, seen = walk
    small = seen[6].places.mean(0) + (seen[6].places - seen[6].places.mean(0)) * 0.6
    leaping = seen[12].places.copy()
    leaping[LEGS[0]] += 90
    spoilt = [
        *seen[:6],
        replace(seen[6], places=small),
        *seen[7:12],
        replace(seen[12], places=leaping),
        *seen[13:],
    ]
    steady = steadied(spoilt)
    assert [number for number, one in enumerate(steady) if one is None] == [6]
    assert steady[12].sure[LEGS[0]] < 0.1
    assert steady[12].sure[LEGS[1]] > 0.9


def test_the_file_is_read_as_tracked_people_where_they_were_seen(body, walk, tmp_path):
    _, _, seen = walk
    found = performed(body, seen)
    write_tracks(tmp_path / "detected.npz", found, SIZE, RATE)
    size, rate = detected_video(tmp_path / "detected.npz")
    assert (size, rate) == (SIZE[::-1], RATE)
    people = tracked_people(tmp_path / "detected.npz", "detected", size, rate, body, False)
    (person,) = people.people
    motion = person.motion
    _, joints = body.pose(rotations=motion.rotations, translation=motion.translation, vertices=[0])
    np.testing.assert_allclose(joints, joints_of(body, found[0]), atol=2e-3)
    np.testing.assert_allclose(people.focal, np.hypot(*SIZE), rtol=1e-6)


def test_a_file_of_a_video_without_a_size_is_refused(tmp_path):
    np.savez(tmp_path / "detected.npz", size=np.array([0, 9]), rate=np.array(1.0))
    with pytest.raises(Unfit, match="0 × 9"):
        detected_video(tmp_path / "detected.npz")
    (tmp_path / "detected.npz").write_bytes(b"none")
    with pytest.raises(Unfit):
        detected_video(tmp_path / "detected.npz")


def test_who_is_seen_for_a_moment_is_nobody(body, walk):
    assert performed(body, walk[2][:3]) == []
