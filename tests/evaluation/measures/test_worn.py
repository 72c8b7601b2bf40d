"""The colours of a surface's points, read from pictures."""

import numpy as np
import torch

from isa_engine.evaluation.measures.worn import worn

SIDE, COUNT = 32, 400


def wall(depth: float = 2.0, seed: int = 0) -> torch.Tensor:
    """Points over a square of ±1 m that faces a camera at the origin: ``(N, 3)``."""
    place = np.random.default_rng(seed).uniform(-1, 1, (COUNT, 2))
    return torch.tensor(np.column_stack([place, np.full(COUNT, -depth)]), dtype=torch.float32)


def filmed(points: torch.Tensor, normal: float, picture: torch.Tensor, mask: torch.Tensor):
    """By a camera that sees the square, and nothing else, at two metres."""
    normals = torch.tensor([0.0, 0, normal]).expand_as(points)
    lens, camera = torch.tensor([[2.0, 2.0, 0, 0]]), torch.eye(4)[None]
    return worn(picture[:, None], mask[None], points[None], normals[None], lens, camera)


def halves() -> torch.Tensor:
    """Black on the left and white on the right, ``(3, H, W)``."""
    picture = torch.full((3, SIDE, SIDE), -1.0)
    picture[..., SIDE // 2 :] = 1
    return picture


EVERYWHERE = torch.ones(SIDE, SIDE, dtype=torch.bool)


def test_points_have_the_colour_of_where_they_are_seen():
    points = wall()
    seen = filmed(points, 1, halves(), EVERYWHERE)
    shown = (seen.seen > 0) & (points[:, 0].abs() > 0.1)
    assert shown.sum() > 100
    assert torch.equal(seen.colours[shown, 0], (points[shown, 0] > 0).float())


def test_what_faces_away_or_is_somebody_elses_is_not_seen():
    points = wall()
    left = torch.arange(SIDE).expand(SIDE, SIDE) < SIDE // 2
    seen = filmed(points, 1, halves(), left)
    assert seen.seen.any()
    assert (points[seen.seen > 0, 0] < 0.1).all()
    assert seen.colours.max() == 0
    behind = torch.cat([wall(), wall(2.5, seed=1)])
    assert (filmed(behind, 1, halves(), EVERYWHERE).seen[COUNT:] > 0).sum() < COUNT / 20
    assert not filmed(points, 1, halves(), ~EVERYWHERE).seen.any()


def test_the_rim_where_a_cell_is_half_background_does_not_count():
    odd = torch.arange(SIDE).expand(SIDE, SIDE) < SIDE // 2 + 1
    assert filmed(wall(), 1, halves(), odd).colours.max() == 0
