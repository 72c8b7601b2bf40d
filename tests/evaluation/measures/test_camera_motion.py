"""Ground under a camera: a case by hand, and renders."""

import pytest
import torch

from isa_engine.data.clips.clip import Clip
from isa_engine.evaluation.measures.camera_motion import agreement, ground_motion

FRAMES, SIZE, HEIGHT, FOCAL = 9, 64, 4.0, 2.0
# Metres a frame, and the pixels that they are: the camera looks straight down.
SPEED = 0.03
PIXELS = SPEED * FOCAL / HEIGHT * SIZE / 2


def from_above(texture: float = 6.0, speed: float = SPEED) -> torch.Tensor:
    """A patterned ground that a camera passes over along x: ``(3, F, H, W)``."""
    pixel = (torch.arange(SIZE) + 0.5) / SIZE * 2 - 1
    x = pixel * HEIGHT / FOCAL + speed * torch.arange(FRAMES)[:, None]
    y = pixel * HEIGHT / FOCAL
    wave = (texture * x)[:, None, :].sin() * (texture * y)[None, :, None].cos()
    return torch.stack([wave, -wave, 0.5 * wave])


@pytest.fixture
def passing_over():
    camera = torch.eye(4).repeat(FRAMES, 1, 1)
    camera[:, 2, 3] = HEIGHT
    camera[:, 0, 3] = SPEED * torch.arange(FRAMES)
    intrinsics = torch.tensor([FOCAL, FOCAL, 0, 0]).repeat(FRAMES, 1)
    mask = torch.zeros(FRAMES, SIZE, SIZE, dtype=torch.int64)
    # Somebody walks from the left to the right.
    mask[:4, 20:30, 10:20] = mask[4:, 20:30, 45:55] = 1
    nowhere = torch.zeros(FRAMES, 1, 4, 3)
    return Clip(
        video=from_above(),
        background=from_above(),
        mask=mask,
        points=nowhere,
        normals=nowhere,
        intrinsics=intrinsics,
        camera_to_world=camera,
        references=torch.zeros(1, 3, SIZE, SIZE),
        reference_of=torch.zeros(1, dtype=torch.int64),
        reference_points=nowhere[0],
        reference_intrinsics=intrinsics[:1],
        reference_camera_to_world=camera[:1],
        fps=24.0,
    )


def test_the_implied_motion_is_that_of_a_pinhole(passing_over):
    places, motion = ground_motion(passing_over, 0, 4)
    assert len(places) > 1000
    assert torch.allclose(motion, torch.tensor([-4 * PIXELS, 0.0]), atol=1e-3)


def test_figures_and_what_leaves_the_picture_do_not_count(passing_over):
    places, motion = ground_motion(passing_over, 0, 4)
    x, y = places.unbind(-1)
    beside = (y >= 20) & (y < 30)
    assert not (beside & (x >= 10) & (x < 20)).any()
    arrives = (places + motion)[:, 0]
    assert not (beside & (arrives >= 45) & (arrives < 55)).any()
    assert (beside & (x > 30) & (x < 35)).any()
    assert ((places + motion)[:, 0] > -0.6).all()


def test_a_ground_that_passes_as_implied_scores_one(passing_over):
    assert agreement(from_above(), passing_over) == pytest.approx(1, abs=0.02)


def test_a_ground_at_rest_scores_nothing(passing_over):
    still = from_above()[:, :1].expand(3, FRAMES, SIZE, SIZE)
    assert agreement(still, passing_over) == pytest.approx(0, abs=1e-5)


def test_the_slower_the_ground_the_lower_its_score_and_backwards_is_worse_than_rest(passing_over):
    scores = [agreement(from_above(speed=SPEED * share), passing_over) for share in (1, 0.5, 0, -1)]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] < 0.9
    assert scores[-1] < -0.5


def test_a_flat_colour_shows_no_motion_to_judge(passing_over):
    assert agreement(torch.zeros(3, FRAMES, SIZE, SIZE), passing_over) is None


def test_a_render_obeys_its_own_camera_and_not_time_reversed(ground):
    video = ground.clip.video
    assert agreement(video, ground.clip) > 0.6
    assert agreement(video.flip(1), ground.clip) < agreement(video, ground.clip) - 0.3
