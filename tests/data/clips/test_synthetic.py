"""Synthetic clips agree with the geometry that the transformer is told."""

import itertools

import numpy as np
import pytest
import torch

from isa_engine.body import bundled_motion, bundled_motions, open_body
from isa_engine.data.clips.synthetic import SyntheticHumans
from isa_engine.data.scenario.split import HELD_OUT, TRAINING
from isa_engine.data.surfaces.patterns import KINDS
from isa_engine.data.surfaces.skinned import SkinnedSurface
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.surface import random_surface_points

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def humans():
    return SyntheticHumans(open_body(), points=128, split=HELD_OUT)


@pytest.fixture(scope="module")
def clip(humans):
    return humans.clip(seed=5, frames=5, height=HEIGHT, width=WIDTH, characters=2)


def test_the_surface_is_posed_as_the_body_model_poses_it():
    body, motion = open_body(), bundled_motion("walk")
    corners, barycentric = random_surface_points(body.v_template, body.faces, 500)
    betas, frame = np.linspace(-1, 1, 10), slice(10, 12)
    vertices, _ = body.pose(betas, (), motion.rotations[frame], motion.translation[frame])
    expected = np.einsum("bsck,sc->bsk", vertices[:, corners], barycentric)
    points, normals = SkinnedSurface(body, corners, barycentric).pose(
        torch.tensor(betas, dtype=torch.float32),
        torch.tensor(motion.rotations[frame], dtype=torch.float32),
        torch.tensor(motion.translation[frame], dtype=torch.float32),
    )
    world = np.stack([expected[..., 0], -expected[..., 2], expected[..., 1]], -1)
    # A sample is skinned itself, not carried by its face: they differ where weights change within one.
    off = np.linalg.norm(points.numpy() - world, axis=-1)
    assert np.median(off) < 1e-4
    assert off.max() < 3e-3
    assert torch.allclose(normals.norm(dim=-1), torch.ones(2, 500), atol=1e-5)


def test_points_of_the_front_lie_on_their_own_mask(clip):
    mvp = torch.tensor(modelview_projection(clip.intrinsics.numpy(), clip.camera_to_world.numpy()))
    points = clip.points.double()
    # A point at the edge of the silhouette may lie in a pixel whose centre is beyond.
    near = torch.nn.functional.max_pool2d((clip.mask > 0).float(), 3, 1, 1) > 0
    for k in range(points.shape[1]):
        ndc, in_front = project(points[:, k], mvp)
        x = ((ndc[..., 0] + 1) / 2 * WIDTH).floor().long()
        y = ((1 - ndc[..., 1]) / 2 * HEIGHT).floor().long()
        inside = in_front & (x >= 0) & (x < WIDTH) & (y >= 0) & (y < HEIGHT)
        frame = torch.arange(len(points))[:, None].expand_as(x)
        place = frame[inside], y[inside], x[inside]
        assert near[place].float().mean() > 0.99
        # Or hidden by the other.
        assert (clip.mask[place] == k + 1).float().mean() > 0.5


def test_the_mask_is_where_video_and_background_differ_but_for_the_shadow(humans):
    clip = humans.clip(seed=3, frames=1, height=HEIGHT, width=WIDTH, characters=1, set_kind="flat")
    differs = ((clip.video - clip.background).abs().amax(0) > 0.05)[0]
    mask = clip.mask[0] > 0
    assert mask.sum() > 50
    # One pixel of antialiased edge all around.
    wider = torch.nn.functional.max_pool2d(mask[None].float(), 3, 1, 1)[0] > 0
    assert (differs & ~wider).sum() == 0
    assert (differs & mask).sum() > 0.8 * mask.sum()


def test_the_feet_stand_on_the_ground(clip):
    lowest = clip.points[..., 2].amin((0, 2))
    assert torch.allclose(lowest, torch.zeros_like(lowest), atol=1e-4)


def test_a_seed_is_a_clip(humans, clip):
    again = humans.clip(seed=5, frames=5, height=HEIGHT, width=WIDTH, characters=2)
    other = humans.clip(seed=6, frames=5, height=HEIGHT, width=WIDTH, characters=2)
    assert torch.equal(clip.video, again.video)
    assert not torch.equal(clip.video, other.video)


def test_each_character_is_in_the_picture_that_is_named_for_it(humans):
    for seed in range(4):
        clip = humans.clip(seed=seed, frames=1, height=HEIGHT, width=WIDTH, characters=3)
        mvp = modelview_projection(clip.reference_intrinsics.numpy(), clip.reference_camera_to_world.numpy())
        assert len(clip.references) == len(mvp) in (1, 3)
        for k, picture in enumerate(clip.reference_of.tolist()):
            ndc, _ = project(clip.reference_points[k].double().numpy(), mvp[picture])
            assert (np.abs(ndc[:, :2]) < 1).all(1).mean() > 0.3


def test_held_out_clips_stay_those_that_tables_were_measured_on():
    """Means over squares of 16 pixels, as they were when the first table was printed."""
    clip = SyntheticHumans(open_body(), points=256, split=HELD_OUT).clip(3, 1, 64, 64, 2)
    light = torch.nn.functional.avg_pool2d(clip.video[:, 0], 16).mean(0)
    covered = torch.nn.functional.avg_pool2d((clip.mask > 0).float(), 16)[0] * 256
    before = [
        [0.707, 0.670, 0.610, 0.546],
        [-0.351, -0.349, -0.668, -0.591],
        [-0.603, -0.379, -0.549, -0.574],
        [-0.612, -0.490, -0.577, -0.577],
    ]
    assert torch.allclose(light, torch.tensor(before), atol=2e-3)
    figures = [[0, 0, 6, 0], [0, 51, 114, 16], [0, 165, 93, 7], [0, 64, 0, 0]]
    assert (covered - torch.tensor(figures)).abs().max() <= 1


def test_a_seed_gives_each_split_another_clip():
    training, held_out = (
        SyntheticHumans(open_body(), points=1, split=split) for split in (TRAINING, HELD_OUT)
    )
    ours, theirs = (humans.clip(3, 1, HEIGHT, WIDTH).video for humans in (training, held_out))
    assert not torch.equal(ours, theirs)


def test_no_take_and_no_look_of_training_is_held_out():
    assert not set(TRAINING.motions) & set(HELD_OUT.motions)
    assert {*TRAINING.motions, *HELD_OUT.motions} == set(bundled_motions())
    pairs = list(itertools.product(KINDS, KINDS))
    assert all(TRAINING.owns_look(*pair) != HELD_OUT.owns_look(*pair) for pair in pairs)
    for split in (TRAINING, HELD_OUT):
        # Every pattern is worn somewhere in each split but the unseen combinations.
        assert any(split.owns_look(*pair) for pair in pairs)
