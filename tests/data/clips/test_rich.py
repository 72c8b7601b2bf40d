"""Clips of the distribution that training sees: faces, clothes and light keep to what the clip says."""

import itertools

import numpy as np
import pytest
import torch

from isa_engine.body import open_body
from isa_engine.body.model.wardrobe import expression_names
from isa_engine.data.clips.synthetic import SyntheticHumans
from isa_engine.data.rendering.cast import Actor
from isa_engine.data.rendering.filming import film
from isa_engine.data.rendering.light import Light, random_light
from isa_engine.data.rendering.scenery import Scenery
from isa_engine.data.rendering.sets import Set
from isa_engine.data.rendering.shadows import Shades
from isa_engine.data.scenario.camera_paths import look_at_matrices
from isa_engine.data.scenario.gestures import random_face, random_hands
from isa_engine.data.scenario.split import HELD_OUT, HELD_OUT_RICH, TRAINING
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.plucker import ray_directions

HEIGHT, WIDTH = 72, 96
SEEDS = range(8)


@pytest.fixture(scope="module")
def humans():
    return SyntheticHumans(open_body(), points=256)


@pytest.fixture(scope="module")
def clips(humans):
    return [humans.clip_and_cast(seed, 2, HEIGHT, WIDTH) for seed in SEEDS]


def standing(humans: SyntheticHumans, actor: Actor, expression: torch.Tensor, jaw: float = 0.0) -> Actor:
    """The person at rest on the origin, facing −Y of the world."""
    rotations = torch.zeros(1, 55, 3)
    rotations[0, 22, 0] = jaw
    translation = torch.tensor([[0.0, 1.3, 0.0]])
    points, normals = humans.tokens.pose(actor.betas, rotations, translation, expression=expression)
    return Actor(actor.betas, actor.look, "none", rotations, translation, points, normals, expression)


def filmed(humans, actor: Actor, target: float, distance: float, side: int = 96) -> torch.Tensor:
    """From the front, ``(side, side, 3)`` in [−1, 1]."""
    camera = look_at_matrices(np.array([[0.0, -distance, target]]), np.array([[0.0, 0.0, target]]))
    lens = np.array([[2.5, 2.5, 0.0, 0.0]])
    light = Light(torch.tensor([0.3, -0.8, 0.5]), cast=1.0, occlusion=0.7)
    stage = Set(np.random.default_rng(0), "flat")
    return film(humans.skin, [actor], stage, light, (lens, camera), side, side).video[:, 0].movedim(0, -1)


@pytest.mark.parametrize(
    ("units", "jaw"),
    [(("mouthSmileLeft", "mouthSmileRight"), 0.0), (("eyeBlinkLeft", "eyeBlinkRight"), 0.0), ((), 0.3)],
)
def test_a_face_moves_its_own_pixels_and_none_below_the_neck(humans, clips, units, jaw):
    actor = clips[0][1][0]
    moved = torch.zeros(1, len(expression_names()))
    moved[0, [expression_names().index(unit) for unit in units]] = 1.0
    rest, other = (
        standing(humans, actor, expression, opened)
        for expression, opened in ((torch.zeros_like(moved), 0.0), (moved, jaw))
    )
    face = float(humans.tokens.joints[23, 1]) + 1.3
    close = [filmed(humans, who, face, 0.6) for who in (rest, other)]
    assert ((close[0] - close[1]).abs().amax(-1) > 0.08).sum() > 30
    whole = [filmed(humans, who, 0.9, 3.0) for who in (rest, other)]
    # The neck's own joint; the throat hangs on the jaw a little.
    neck = float(humans.tokens.joints[12, 1]) + 1.3 - 0.05
    row = round((1 - (neck - 0.9) * 2.5 / 2.8) / 2 * 96)
    assert (whole[0][row:] - whole[1][row:]).abs().max() < 0.02


def test_points_of_the_cast_lie_on_its_figures(clips):
    on, total = 0, 0
    for clip, _, _ in clips:
        mvp = modelview_projection(clip.intrinsics.numpy(), clip.camera_to_world.numpy())
        near = torch.nn.functional.max_pool2d((clip.mask > 0).float(), 3, 1, 1) > 0
        for k in range(clip.points.shape[1]):
            ndc, in_front = project(clip.points[:, k].double(), torch.tensor(mvp))
            column = ((ndc[..., 0] + 1) / 2 * WIDTH).floor().long()
            row = ((1 - ndc[..., 1]) / 2 * HEIGHT).floor().long()
            inside = in_front & (column >= 0) & (column < WIDTH) & (row >= 0) & (row < HEIGHT)
            frame = torch.arange(len(column))[:, None].expand_as(column)
            found = near[frame[inside], row[inside], column[inside]]
            on, total = on + int(found.sum()), total + len(found)
    assert total > 1000
    assert on / total >= 0.98


def test_the_cast_only_takes_light_from_its_set(clips):
    across = torch.stack(
        torch.meshgrid(torch.linspace(-3, 3, 40), torch.linspace(-3, 3, 40), indexing="xy"), -1
    )
    ground = torch.cat([across, torch.zeros(40, 40, 1)], -1).expand(2, -1, -1, -1)
    for seed, (_, actors, _) in zip(SEEDS, clips, strict=True):
        light = random_light(np.random.default_rng(seed), torch.device("cpu"))
        left = Shades(light, torch.cat([actor.points for actor in actors], 1)).on_ground(ground)
        assert (left <= 1).all()
        assert (left > 0).all()
        assert (left < 0.95).any()


def test_shade_only_darkens_people(clips):
    for seed, (_, actors, _) in zip(SEEDS, clips, strict=True):
        light = random_light(np.random.default_rng(seed), torch.device("cpu"))
        points, normals = (torch.cat([getattr(a, name) for a in actors], 1) for name in ("points", "normals"))
        frame = torch.arange(2).repeat_interleave(points.shape[1])
        normals = normals.flatten(0, 1)
        shaded = Shades(light, points).on_figures(frame, points.flatten(0, 1), normals)
        assert (shaded <= light.on(normals) + 1e-6).all()
        assert (shaded > 0).all()


def test_under_somebody_is_darker_than_beside_them(clips):
    light = Light(torch.tensor([0.0, 0.0, 1.0]), occlusion=1.0, shadow=(0.0, 0.0, 0.0))
    actor = clips[0][1][0]
    feet = actor.points[:1, actor.points[0, :, 2].argmin()]
    ground = torch.stack([feet, feet + torch.tensor([0.3, 0.0, 0.0]), feet + torch.tensor([3.0, 0, 0])], 1)
    left = Shades(light, actor.points[:1]).on_ground(ground[:, None] * torch.tensor([1.0, 1, 0]))[0, 0, :, 0]
    assert left[0] < left[2] == 1


def test_a_seed_is_a_clip_and_another_in_each_split(humans, clips):
    again = humans.clip(0, 2, HEIGHT, WIDTH)
    assert torch.equal(clips[0][0].video, again.video)
    assert torch.equal(clips[0][0].points, again.points)
    rich = SyntheticHumans(open_body(), points=1, split=HELD_OUT_RICH)
    assert not torch.equal(rich.clip(0, 1, HEIGHT, WIDTH).video, again.video[:, :1])
    assert {HELD_OUT_RICH.motions, HELD_OUT.motions} == {HELD_OUT.motions}
    assert HELD_OUT_RICH.stream not in (HELD_OUT.stream, TRAINING.stream)


def test_faces_and_hands_move_and_stay_within_what_they_can():
    expression, rotations = random_face(np.random.default_rng(1), 48, 24.0)
    fingers = random_hands(np.random.default_rng(1), 48, 24.0)
    assert expression.shape == (48, len(expression_names()))
    assert np.ptp(expression, axis=0).max() > 0.2
    assert np.ptp(fingers, axis=0).max() > 0.2
    for seed in range(40):
        expression, rotations = random_face(np.random.default_rng(seed), 24, 24.0)
        assert 0 <= expression.min() <= expression.max() <= 1.2
        assert -0.02 <= rotations[:, 0, 0].min() <= rotations[:, 0, 0].max() <= 0.42
        fingers = random_hands(np.random.default_rng(seed), 24, 24.0)
        # No finger bends back over the hand, on either side.
        assert fingers[:, :12, 2].max() < 0.5
        assert fingers[:, 15:27, 2].min() > -0.5


def test_an_empty_frame_is_the_set(humans, clips):
    _, actors, _ = clips[0]
    away = look_at_matrices(np.array([[0.0, -5.0, 1.0]] * 2), np.array([[0.0, -9.0, 1.0]] * 2))
    lens = np.array([[2.0, 2.0, 0.0, 0.0]] * 2)
    light = Light(torch.tensor([0.0, 0.0, 1.0]))
    video, background, _, mask = film(
        humans.skin, actors, Set(np.random.default_rng(0), "flat"), light, (lens, away), HEIGHT, WIDTH
    )
    assert not mask.any()
    assert torch.equal(video, background)


def test_a_room_holds_its_camera_and_no_block_stands_before_the_cast():
    cast = np.array([0.3, -0.2, 0.9])
    for seed in range(60):
        random = np.random.default_rng(seed)
        place = cast + random.normal(0, 5, 3) * [1, 1, 0] + [0, 0, random.uniform(0, 6)]
        camera = look_at_matrices(place[None], cast[None])
        stage = Scenery(random, None, camera, cast)
        assert (np.abs(place[:2]) < stage.half_size).all()
        assert place[2] < stage.height
        away = cast[:2] - place[:2]
        for block in stage.blocks:
            for corner in itertools.product(*zip(block.low[:2], block.high[:2], strict=True)):
                assert (corner - place[:2]) @ away > away @ away


@pytest.mark.parametrize("kind", ["open", "room"])
def test_scenery_is_a_picture_that_moves_with_the_camera(kind):
    place = np.array([[0.0, -5.0, 1.6], [0.4, -5.0, 1.6]])
    camera = look_at_matrices(place, np.tile([0.0, 0.0, 1.0], (2, 1)))
    lens, matrices = torch.tensor([[1.5, 2.0, 0.0, 0.0]] * 2), torch.tensor(camera, dtype=torch.float32)
    rays = ray_directions(lens, matrices, HEIGHT, WIDTH)
    for seed in range(12):
        stage = Scenery(np.random.default_rng(seed), kind, camera, np.zeros(3))
        colours, ground = stage.shade(matrices[:, :3, 3], rays, torch.full((2,), 2 / (1.5 * WIDTH)))
        assert ((colours >= 0) & (colours <= 1)).all()
        assert (colours[0] - colours[1]).abs().mean() > 1e-3
        # No ground is met above the horizon, which is at the camera's height.
        assert ground[rays[..., 2] > 0].isnan().all()
