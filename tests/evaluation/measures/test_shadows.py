"""Shadows are looked for on the ground about the feet, and measured by how dark they are there."""

import pytest
import torch

from isa_engine.evaluation.measures.shadows import ground_about_feet, shadow_kept
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project


def test_a_render_has_its_shadow_its_background_none_and_half_of_it_half(ground):
    clip = ground.clip
    assert shadow_kept(clip.video, clip) == pytest.approx(1)
    assert shadow_kept(clip.background, clip) == pytest.approx(0)
    assert shadow_kept((clip.video + clip.background) / 2, clip) == pytest.approx(0.5)


def test_grain_is_no_shadow(ground):
    clip = ground.clip
    grain = torch.randn(clip.video.shape, generator=torch.Generator().manual_seed(0)) * 0.05
    assert shadow_kept(clip.background + grain, clip) == pytest.approx(0, abs=0.05)
    assert shadow_kept(clip.video + grain, clip) == pytest.approx(1, abs=0.05)


def test_a_flat_screen_has_no_ground_to_throw_a_shadow_on(one):
    assert shadow_kept(one[0].clip.video, one[0].clip) is None


def test_the_ground_about_the_feet_is_below_them_and_shows_nobody(ground):
    clip = ground.clip
    near = ground_about_feet(clip)
    assert near.any()
    assert not (near & (clip.mask > 0)).any()
    height, width = near.shape[1:]
    mvp = modelview_projection(clip.intrinsics.numpy(), clip.camera_to_world.numpy())
    ndc, _ = project(clip.points.flatten(1, 2).numpy(), mvp)
    feet = clip.points.flatten(1, 2)[..., 2].argmin(1)
    for frame, foot in enumerate(feet.tolist()):
        x, y = ndc[frame, foot, :2]
        rows, columns = near[frame].nonzero(as_tuple=True)
        away = (columns - (x + 1) / 2 * width) ** 2 + (rows - (1 - y) / 2 * height) ** 2
        # As far as a figure's own foot may hide the ground from the camera.
        assert len(rows) == 0 or not (-1 < x < 1 and -1 < y < 1) or away.min() < (height / 4) ** 2


def test_it_is_a_part_of_the_ground_and_not_all_of_it(ground):
    share = ground_about_feet(ground.clip).float().mean()
    assert 0 < share < 0.5
