"""Whose colours a figure wears."""

import dataclasses

import pytest
import torch

from isa_engine.evaluation.measures.identity import recognised
from isa_engine.evaluation.measures.worn import Worn, worn

# A body at rest: a column of points on each side.
HEIGHTS = torch.linspace(0, 1.8, 60).repeat(2)
REST = torch.stack([torch.tensor([-0.2, 0.2]).repeat_interleave(60), HEIGHTS, torch.zeros(120)], 1)
LEFT = REST[:, 0] < 0


def wearing(top: tuple[float, float, float], bottom: tuple[float, float, float]) -> Worn:
    colours = torch.where((HEIGHTS > 0.9)[:, None], torch.tensor(top), torch.tensor(bottom))
    return Worn(colours, torch.ones(120))


def showing(of: Worn, where: torch.Tensor, light: float = 1.0) -> Worn:
    """The same clothes where they are seen, under another light."""
    return Worn(of.colours * where[:, None] * light, of.seen * where)


RED = wearing((0.8, 0.1, 0.1), (0.2, 0.2, 0.25))
BLUE = wearing((0.1, 0.1, 0.8), (0.2, 0.2, 0.25))
# The same two colours as RED's, the other way round.
TURNED = wearing((0.2, 0.2, 0.25), (0.8, 0.1, 0.1))


def test_figures_in_their_own_clothes_are_recognised():
    assert recognised([RED, BLUE], [RED, BLUE], REST) == [True, True]


def test_swapped_identities_are_not():
    assert recognised([BLUE, RED], [RED, BLUE], REST) == [False, False]


def test_where_on_the_body_a_colour_is_counts():
    assert recognised([RED, TURNED], [RED, TURNED], REST) == [True, True]
    assert recognised([TURNED, RED], [RED, TURNED], REST) == [False, False]


@pytest.mark.parametrize("light", [0.4, 1.25])
def test_the_light_does_not(light):
    dimmed = [showing(person, torch.ones(120), light) for person in (RED, BLUE, TURNED)]
    assert recognised(dimmed, [RED, BLUE, TURNED], REST) == [True] * 3


def test_somebody_in_the_dark_is_not_taken_for_somebody_in_dark_clothes():
    dusky = wearing((0.3, 0.1, 0.02), (0.08, 0.08, 0.1))
    in_the_dark = showing(RED, torch.ones(120), 0.35)
    assert recognised([in_the_dark, dusky], [RED, dusky], REST) == [True, True]


def test_nor_does_the_side_that_is_seen():
    people = RED, BLUE, TURNED
    assert (
        recognised([showing(p, LEFT) for p in people], [showing(p, ~LEFT) for p in people], REST)
        == [True] * 3
    )


def test_one_coat_for_all_is_right_for_one():
    references = [RED, BLUE, TURNED]
    assert sorted(recognised([BLUE] * 3, references, REST)) == [False, False, True]
    grey = wearing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert sum(recognised([grey] * 3, references, REST)) == 1


def test_who_is_hardly_seen_is_not_asked_about():
    hidden = showing(BLUE, torch.arange(120) < 20)
    assert recognised([RED, hidden, TURNED], [RED, BLUE, TURNED], REST) == [True, None, True]
    assert recognised([RED, BLUE, TURNED], [RED, hidden, TURNED], REST) == [True, None, True]
    # Of two, one that could be taken for nobody else tells nothing.
    assert recognised([RED, BLUE], [RED, hidden], REST) == [None, None]


def figures(clip) -> list[Worn]:
    shot = clip.clip
    camera = shot.intrinsics, shot.camera_to_world
    return [
        worn(shot.video, shot.mask == k + 1, shot.points[:, k], shot.normals[:, k], *camera)
        for k in range(shot.points.shape[1])
    ]


def test_people_in_renders_look_like_their_own_references(clips, several):
    own, others, alike = [], [], []
    for clip in several:
        seen, references = figures(clip), clip.reference_worn
        own += recognised(seen, references, clips.rest)
        others += recognised(seen, [*references[1:], references[0]], clips.rest)
        dressed = seen[0].colours[seen[0].seen > 0].mean(0)
        uniform = [dataclasses.replace(f, colours=dressed * (f.seen > 0)[:, None]) for f in seen]
        alike += recognised(uniform, references, clips.rest)
    counted = [answer for answer in own if answer is not None]
    assert len(counted) >= 2
    assert all(counted)
    assert not any(others)
    assert sum(map(bool, alike)) <= len(several)
