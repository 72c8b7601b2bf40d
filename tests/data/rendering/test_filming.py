"""The fast renderer against shapes whose pictures can be worked out by hand."""

import numpy as np
import pytest
import torch

from isa_engine.body import SMPLX_PARENTS, BodyModel
from isa_engine.data.rendering.filming import Actor, film
from isa_engine.data.rendering.light import Light
from isa_engine.data.rendering.sets import Set
from isa_engine.data.scenario.camera_paths import look_at_matrices
from isa_engine.data.surfaces.looks import Look
from isa_engine.data.surfaces.skinned import SkinnedSurface, even_surface_points
from isa_engine.geometry.plucker import ray_directions

SAMPLES = 65536
HEIGHT, WIDTH = 60, 90
SUN = torch.tensor([0.0, -0.8, 0.6])
LIGHT = Light(SUN)


def sphere(radius: float) -> BodyModel:
    """About the origin, as a body whose every vertex hangs on the pelvis."""
    rows, columns = 40, 80
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rows), np.arange(columns) * 2 * np.pi / columns, indexing="ij"
    )
    place = [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)]
    vertices = radius * np.stack(place, -1).reshape(-1, 3)
    row, column = np.divmod(np.arange((rows - 1) * columns), columns)
    a, b = row * columns + column, row * columns + (column + 1) % columns
    faces = np.concatenate([np.stack([a, b, b + columns], 1), np.stack([a, b + columns, a + columns], 1)])
    weights = np.zeros((len(vertices), 55), np.float32)
    weights[:, 0] = 1
    nothing = np.zeros((len(vertices), 3, 0), np.float32)
    return BodyModel(
        v_template=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        shapedirs=nothing,
        exprdirs=nothing,
        posedirs=nothing,
        joint_regressor=np.full((55, len(vertices)), 1 / len(vertices), np.float32),
        parents=np.array(SMPLX_PARENTS),
        weights=weights,
        uv=np.zeros((0, 2)),
        uv_faces=np.zeros((0, 3), np.int32),
        hands_mean=np.zeros((30, 3)),
    )


# A person's skin in square metres.
RADIUS = 0.4


@pytest.fixture(scope="module")
def ball() -> SkinnedSurface:
    body = sphere(RADIUS)
    return SkinnedSurface(body, *even_surface_points(body.v_template, body.faces, SAMPLES))


def standing(ball: SkinnedSurface, *centres) -> list[Actor]:
    """Balls in different colours, their centres in the world."""
    actors = []
    for number, (x, y, z) in enumerate(centres):
        rotations, translation = torch.zeros(1, 55, 3), torch.tensor([[x, z, -y]], dtype=torch.float32)
        points, normals = ball.pose(torch.zeros(0), rotations, translation, 0.0, 512)
        look = Look(
            lambda patch, number=number: torch.eye(3)[number].expand(len(patch), 3),
            lambda patch: torch.zeros(len(patch)),
            ("plain", "plain"),
        )
        actors.append(Actor(torch.zeros(0), look, "none", rotations, translation, points, normals))
    return actors


def camera(place, target) -> tuple[np.ndarray, np.ndarray]:
    lens = np.array([[2.0 * HEIGHT / WIDTH, 2.0, 0.0, 0.0]])
    return lens, look_at_matrices(np.array([place], float), np.array([target], float))


def distance_to_line(centre, view) -> torch.Tensor:
    """How far each pixel's line of sight passes a point: ``(H, W)`` metres."""
    lens, matrix = (torch.as_tensor(part, dtype=torch.float32) for part in view)
    direction = ray_directions(lens, matrix, HEIGHT, WIDTH)[0]
    away = torch.tensor(centre, dtype=torch.float32) - matrix[0, :3, 3]
    along = (direction @ away)[..., None]
    return (away - along * direction).norm(dim=-1)


@pytest.mark.parametrize(
    ("centre", "place"),
    [
        ((0, 0, 1), (0, -5, 1)),
        ((1, 0.5, 1), (0, -4, 1.5)),
        ((0, 0, 1), (3, -12, 4)),
        ((-0.8, 0, 1.2), (0, -3, 1)),
    ],
)
def test_a_sphere_covers_the_pixels_whose_lines_of_sight_meet_it(ball, centre, place):
    view = camera(place, (0, 0, 1))
    mask = film(
        ball, standing(ball, centre), Set(np.random.default_rng(0), "flat"), LIGHT, view, HEIGHT, WIDTH
    ).mask
    passes = distance_to_line(centre, view)
    # A sample covers two pixels of the doubled picture: one of this one.
    pixel = float(np.linalg.norm(np.subtract(place, centre))) * 2 / (2.0 * HEIGHT)
    assert (mask[0][passes < RADIUS - pixel] == 1).all()
    assert (mask[0][passes > RADIUS + pixel] == 0).all()
    # Neither fat nor thin, by a fifth of a pixel all around.
    radius, found = (float(covered.sum() / np.pi) ** 0.5 for covered in (passes < RADIUS, mask > 0))
    assert abs(found - radius) < 0.25


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_ball_hides_the_farther_in_any_order(ball, order):
    places = [(0.0, -1.0, 1.0), (0.3, 1.0, 1.0)]
    view = camera((0, -4, 1), (0, 0, 1))
    near, far = (distance_to_line(place, view) < RADIUS - 0.05 for place in places)
    actors = standing(ball, *(places[i] for i in order))
    mask = film(ball, actors, Set(np.random.default_rng(0), "flat"), LIGHT, view, HEIGHT, WIDTH).mask[0]
    assert (near & far).sum() > 50
    assert (mask[near] == order.index(0) + 1).all()
    beyond = distance_to_line(places[0], view) > RADIUS + 0.05
    assert (mask[far & beyond] == order.index(1) + 1).all()


def test_the_mask_is_where_the_colours_differ_from_the_clean_background(ball):
    view = camera((1, -3, 2), (0, 0, 1))
    actors = standing(ball, (-0.45, 0, 1), (0.45, 0, 1))
    stage = Set(np.random.default_rng(1), "flat")
    stage.screen = np.array([0.1, 0.1, 0.9])
    video, background, _, mask = film(ball, actors, stage, LIGHT, view, HEIGHT, WIDTH)
    differs = (video - background).abs().amax(0) > 1e-3
    inside = -torch.nn.functional.max_pool2d(-(mask > 0).float(), 3, 1, 1) > 0
    near = torch.nn.functional.max_pool2d((mask > 0).float(), 3, 1, 1) > 0
    assert differs[inside].all()
    assert not differs[~near].any()
    # Each in the mask of its own colour.
    assert (video[0] > video[1])[(mask == 1) & inside].all()
    assert (video[1] > video[0])[(mask == 2) & inside].all()


def test_a_shadow_falls_where_the_sun_puts_it(ball):
    stage, centre = Set(np.random.default_rng(2), "open"), (0.0, 0.0, RADIUS)
    view = camera((0, -0.1, 5), (0, 0.3, 0))
    video, background, shaded, mask = film(ball, standing(ball, centre), stage, LIGHT, view, HEIGHT, WIDTH)
    lens, matrix = (torch.as_tensor(part, dtype=torch.float32) for part in view)
    ground = stage.shade(
        matrix[:, :3, 3], ray_directions(lens, matrix, HEIGHT, WIDTH), torch.full((1,), 0.01)
    )[1]
    assert ground[..., 2].nan_to_num().abs().max() < 1e-5
    # From the ground towards the sun, a line through the ball.
    away = torch.tensor(centre) - ground
    missed = (away - (away @ SUN)[..., None] * SUN).norm(dim=-1)
    darker = ((video - background).mean(0) < -0.02) & (mask == 0)
    free = torch.nn.functional.max_pool2d((mask > 0).float(), 3, 1, 1) == 0
    assert (missed < RADIUS - 0.2)[free].sum() > 10
    assert darker[(missed < RADIUS - 0.2) & free].all()
    assert not darker[(missed > RADIUS + 0.35) & free].any()
    # The set with the shadow and without the ball: below the ball it goes on.
    assert torch.equal(shaded[:, free], video[:, free])
    assert (shaded <= background).all()
    hidden = (missed < RADIUS - 0.2) & (mask > 0)
    assert hidden.any()
    assert ((shaded - background).mean(0)[hidden] < -0.02).all()


def test_every_prefix_of_the_samples_is_evenly_spread():
    body = sphere(RADIUS)
    corners, barycentric = even_surface_points(body.v_template, body.faces, 4096)
    height = np.einsum("sc,sc->s", body.v_template[corners, 1], barycentric)
    for count in (512, 1000, 4096):
        # Equal zones of a sphere have equal area (Archimedes); chance would miss by three times as much.
        zones, _ = np.histogram(height[:count], np.linspace(-RADIUS, RADIUS, 9))
        assert np.abs(zones - count / 8).max() < 0.6 * np.sqrt(count / 8) + 2
