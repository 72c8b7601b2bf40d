"""Whom the set hides: a thing before somebody, by how far away both are, and how much of a finer pixel."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.controls.set_occlusion import occluded_by_set, set_occludes_somebody
from isa_engine.controls.surfaces import see, surface_of
from isa_engine.shot import validate
from tests.pipeline.shots import footage, make_shot

SIZE = WIDTH, HEIGHT = 64, 64
GREY = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def before(away: float | np.ndarray):
    """A shot whose set is that far away, metres."""
    shot = make_shot(3)
    depth = np.broadcast_to(np.asarray(away), (1, HEIGHT, WIDTH)).astype(np.float16)
    shot = replace(shot, background=footage(3))
    return replace(shot, settings=replace(shot.settings, width=WIDTH, height=HEIGHT), background_depth=depth)


@pytest.fixture(scope="module")
def body() -> np.ndarray:
    shot = make_shot(3)
    return see(surface_of(shot, 0), shot.mvp[0], SIZE).depth


def test_what_is_nearer_hides_and_what_is_farther_does_not(body):
    there = np.isfinite(body)
    nearest, farthest = body[there].min(), body[there].max()
    assert (occluded_by_set(before(nearest - 0.2), 0, GREY)[there] == 1).all()
    assert not occluded_by_set(before(farthest + 0.2), 0, GREY)[there].any()
    assert set_occludes_somebody(before(nearest - 0.2))
    assert not set_occludes_somebody(before(farthest + 5))


def test_a_thing_hides_only_where_it_stands(body):
    away = np.full((HEIGHT, WIDTH), np.inf)
    away[:, : WIDTH // 2] = body[np.isfinite(body)].min() - 0.2
    hidden = occluded_by_set(before(away), 0, GREY)
    assert not hidden[:, WIDTH // 2 :].any()
    there = np.isfinite(body[:, : WIDTH // 2])
    assert there.any()
    assert (hidden[:, : WIDTH // 2][there] == 1).all()


def test_what_touches_somebody_does_not_hide_them(body):
    """Feet stand a little in the ground."""
    within = np.where(np.isfinite(body), body - 0.05, np.inf)
    assert not occluded_by_set(before(within), 0, GREY).any()
    assert not set_occludes_somebody(before(np.where(np.isfinite(body), body + 3, np.inf)))


def test_hair_and_cloth_about_a_body_are_hidden_with_it_and_what_is_far_from_all_is_not(body):
    """There the set is seen as it is."""
    there = np.isfinite(body)
    hidden = occluded_by_set(before(0.1), 0, GREY)
    assert (hidden[~there] == 1).any()
    assert (hidden == 0).any()


def test_nobody_is_hidden_where_it_is_not_known_how_far_the_set_is():
    assert not occluded_by_set(make_shot(3), 0, GREY).any()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_of_the_canvass_size_each_pixel_is_covered_or_not_whatever_its_colours(seed):
    random = np.random.default_rng(seed)
    shot = before(random.uniform(3, 5, (HEIGHT, WIDTH)))
    covered = occluded_by_set(shot, 0, random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
    assert set(np.unique(covered)) == {0, 1}
    assert np.array_equal(covered, occluded_by_set(shot, 0, GREY))


@dataclass(frozen=True)
class Post:
    """A post before a wall, in pixels of the canvas.

    Attributes:
        at: its middle's column in the uppermost row.
        lean: by how much of a column it is further right a row below.
    """

    at: float
    lean: float
    width: float

    def covers(self, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        beside = columns - self.at - self.lean * rows[:, None]
        return (-self.width / 2 <= beside) & (beside < self.width / 2)

    def shares(self, scale: int) -> np.ndarray:
        """How much of each pixel of a plate it covers."""
        fine = 8
        columns, rows = ((np.arange(side * scale * fine) + 0.5) / (scale * fine) for side in SIZE)
        covered = self.covers(columns, rows)
        return covered.reshape(HEIGHT * scale, fine, WIDTH * scale, fine).mean((1, 3))

    def rendered(self, scale: int, own: tuple[int, int, int], walls: tuple[int, int, int]):
        """A shot and its background, as a renderer tells them: a pixel's colour is a mean, its depth that of
        one place."""
        columns, rows = (np.arange(side) + (scale // 2 + 0.5) / scale for side in SIZE)
        share = self.shares(scale)[..., None]
        picture = share * np.array(own) + (1 - share) * np.array(walls)
        return before(np.where(self.covers(columns, rows), 0.5, 50)), picture.round().astype(np.uint8)


def skin(shot, scale: int) -> np.ndarray:
    size = WIDTH * scale, HEIGHT * scale
    return np.isfinite(see(surface_of(shot, 0), shot.mvp[0], size).depth)


COLOURS = [((200, 160, 40), (120, 130, 150)), ((20, 20, 20), (180, 170, 160))]
PLACES, LEANS = st.floats(8, 28), st.floats(-0.3, 0.3)


@settings(deadline=None, max_examples=30)
@given(
    scale=st.integers(2, 4),
    post=st.builds(Post, PLACES, LEANS, st.just(1) | st.floats(1, 10)),
    colours=st.sampled_from(COLOURS),
)
def test_a_thing_of_another_colour_is_shown_whole_on_a_finer_plate_also_a_wire_of_a_canvas_pixel(
    scale, post, colours
):
    shot, background = post.rendered(scale, *colours)
    covered, share, there = occluded_by_set(shot, 0, background), post.shares(scale), skin(shot, scale)
    assert (covered[there & (share == 1)] > 0.5).all()
    assert (covered[there & (share == 0)] < 0.5).all()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("width", [1, 6])
def test_its_edge_is_finer_than_the_depth_that_is_known(width, scale):
    random, errors = np.random.default_rng(0), np.zeros(2)
    for colours in 5 * COLOURS:
        post = Post(random.uniform(8, 28), random.uniform(-0.3, 0.3), width)
        shot, background = post.rendered(scale, *colours)
        steps = np.kron(shot.background_depth[0] < 5, np.ones((scale, scale)))
        there, share = skin(shot, scale), post.shares(scale)
        errors += [
            np.abs(each - share)[there].sum() for each in (occluded_by_set(shot, 0, background), steps)
        ]
    assert errors[0] < 0.4 * errors[1]


@settings(deadline=None, max_examples=20)
@given(scale=st.integers(2, 4), post=st.builds(Post, PLACES, LEANS, st.floats(2, 10)))
def test_where_colours_do_not_tell_it_from_what_is_behind_it_its_edge_is_a_ramp(scale, post):
    shot, background = post.rendered(scale, (90, 90, 90), (90, 90, 90))
    covered, there = occluded_by_set(shot, 0, background), skin(shot, scale)
    inner, outer = (replace(post, width=max(0, post.width + wider)).shares(scale) for wider in (-3, 3))
    assert (covered[there & (inner == 1)] > 1 - 1e-6).all()
    assert (covered[there & (outer == 0)] == 0).all()
    steps = np.abs(np.diff(covered, axis=1))[there[:, 1:] & there[:, :-1]]
    assert steps.max(initial=0) <= 1 / scale + 1e-6


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_bodys_own_outline_before_a_thing_is_as_fine_as_the_background(scale):
    """Of two people on either side of a pane that fills the picture."""
    shot = before(3.9)
    colours = np.random.default_rng(0).integers(0, 256, (HEIGHT * scale, WIDTH * scale, 3), np.uint8)
    covered = occluded_by_set(shot, 0, colours)
    seen = see(surface_of(shot, 0), shot.mvp[0], (WIDTH * scale, HEIGHT * scale)).depth
    there = np.isfinite(seen)
    depth = float(shot.background_depth[0, 0, 0])
    assert 0 < (seen[there] > depth + 0.1).mean() < 1
    assert np.array_equal(covered[there], (seen[there] - 0.1 > depth).astype(np.float32))


def test_such_a_shot_is_whole():
    validate(before(2.0))
