"""People look as their references show them, from every side, and like nothing that is not them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.transform import Rotation

from isa_engine.controls.surfaces import Surface, see
from isa_engine.geometry.camera import modelview_projection
from isa_engine.pipeline.isa.reprojection import reprojected, reprojected_frame, textures_of
from isa_engine.pipeline.isa.texture import texture_of, untold
from tests.controls.people import looking_at, person
from tests.geometry.meshes import ellipsoid, joined
from tests.pipeline.shots import make_shot, picture

SIZE = (72, 56)
RED, GREEN, BLUE = (np.array(colour, np.uint8) for colour in np.eye(3) * 255)


def camera(azimuth: float, distance: float = 4.0, height: float = 0.3, focal: float = 2.4) -> np.ndarray:
    """``(4, 4)`` of one that looks at the origin; at azimuth 0 from −y, at 90 degrees from +x."""
    angle = np.radians(azimuth)
    place = distance * np.sin(angle), -distance * np.cos(angle), height
    lens = np.array([focal * SIZE[1] / SIZE[0], focal, 0.0, 0.0])
    return modelview_projection(lens, looking_at(place, (0.0, 0.0, 0.0)))


def anybody(shape: str) -> tuple[np.ndarray, np.ndarray]:
    """Points and triangles about the origin."""
    if shape == "person":
        somebody = person(frames=(0,))
        return somebody.points[0].astype(float), somebody.triangles
    return ellipsoid((0.5, 0.4, 0.8))


def plain(colour=BLUE, size=SIZE) -> np.ndarray:
    return np.tile(colour, (size[1], size[0], 1))


def soft(seed: int, size=SIZE) -> np.ndarray:
    """A picture of soft noise."""
    small = np.random.default_rng(seed).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def covered(body, mvp, size=SIZE, grown: float = 1.0) -> np.ndarray:
    """Pixels whose centres a body covers, ``(H, W)`` bool."""
    points, triangles = body
    middle = points.mean(0)
    surface = Surface(middle + grown * (points - middle), triangles, np.zeros(len(triangles), int))
    return np.isfinite(see(surface, mvp, size).depth)


def filmed(body, mvp, colour=RED, ground=GREEN, size=SIZE) -> np.ndarray:
    """A picture of a body of one colour before a ground of another, hard at the outline."""
    return np.where(covered(body, mvp, size)[..., None], colour, ground)


def is_untold(texture) -> bool:
    lay = untold(len(texture.spread))
    return np.array_equal(texture.spread, lay.spread) and texture.pictured is None


def seen(body, texture, mvp, background=None) -> np.ndarray:
    return reprojected(plain() if background is None else background, [body], [texture], mvp)


@pytest.mark.parametrize("seed", range(3))
def test_who_stands_as_in_the_reference_is_repainted_and_the_background_stays(seed):
    body, mvp = anybody("ellipsoid"), camera(20)
    shown, background = soft(seed), soft(seed + 10)
    made = seen(body, texture_of(shown, *body, mvp), mvp, background)
    inside, outside = covered(body, mvp, grown=0.85), ~covered(body, mvp, grown=1.15)
    assert inside.sum() > 200
    assert np.abs(made[inside].astype(int) - shown[inside]).max() <= 6
    assert np.array_equal(made[outside], background[outside])
    assert np.abs(background[inside].astype(int) - shown[inside]).mean() > 20


@pytest.mark.parametrize("azimuth", range(0, 360, 60))
@pytest.mark.parametrize("shape", ["ellipsoid", "person"])
def test_what_is_behind_a_bodys_outline_colours_it_from_no_side(shape, azimuth):
    """In a red person's picture all else is green; before a blue ground there is then nothing green."""
    body, reference = anybody(shape), camera(0)
    texture = texture_of(filmed(body, reference, size=(4 * SIZE[0], 4 * SIZE[1])), *body, reference)
    made = seen(body, texture, camera(azimuth))
    assert (made[covered(body, camera(azimuth))][:, 0] > 60).all()
    assert not made[..., 1].any()


def with_a_hand(aside: float) -> tuple[np.ndarray, np.ndarray]:
    """A trunk, and before it a thin hand, so many metres aside."""
    trunk, hand = ellipsoid((0.5, 0.4, 0.8)), ellipsoid((0.1, 0.01, 0.06))
    hand = hand[0] + (aside, -0.405, 0.0), hand[1]
    return joined(trunk, hand)


def test_a_hand_that_lies_on_somebody_is_printed_nowhere_when_it_is_taken_away():
    """Not even at its edge, where fingers are wider than the points tell."""
    reference, size = camera(0, height=0.0), (4 * SIZE[0], 4 * SIZE[1])
    (points, triangles), (trunk, _) = with_a_hand(0.0), ellipsoid((0.5, 0.4, 0.8))
    hand = points[len(trunk) :], triangles[(triangles >= len(trunk)).all(1)] - len(trunk)
    shown = np.where(covered(hand, reference, size, grown=1.2)[..., None], BLUE, RED)
    texture = texture_of(shown, points, triangles, reference)
    away = with_a_hand(0.9)
    made = seen(away, texture, reference, plain(RED))
    before = covered(hand, reference, grown=1.6)
    assert before.sum() > 12
    assert not made[before][:, 2].any()
    # The hand itself is as blue as it was.
    gone = covered((away[0][len(trunk) :], hand[1]), reference, grown=0.8)
    assert (made[gone][:, 2] > 200).all()


def test_one_who_walks_takes_the_looks_along():
    """A head's colour is the head's, wherever it is then."""
    points, triangles = anybody("ellipsoid")
    reference = camera(0)
    shown = np.where(np.arange(SIZE[1])[:, None, None] < SIZE[1] / 2, RED, GREEN) + plain((0, 0, 0))
    texture = texture_of(shown, points, triangles, reference)
    lying = points @ Rotation.from_euler("y", 90, degrees=True).as_matrix().T
    made = seen((lying, triangles), texture, reference)
    there = covered((lying, triangles), reference, grown=0.85)
    left = np.arange(SIZE[0]) < SIZE[0] / 2 - 4
    right = np.arange(SIZE[0]) > SIZE[0] / 2 + 4
    # What was up is now to the right.
    assert (made[there & right][:, 0] > 200).all()
    assert (made[there & left][:, 1] > 200).all()


def test_whoever_stands_before_another_in_the_reference_does_not_colour_them():
    back = ellipsoid((0.6, 0.3, 0.9), (0.0, 0.8, 0.0))
    front = ellipsoid((0.25, 0.3, 0.5), (0.0, -0.6, 0.0))
    reference = camera(0)
    shown = np.where(covered(front, reference)[..., None], GREEN, filmed(back, reference))
    alone, beside = (texture_of(shown, *back, reference, others) for others in ([], [front]))
    for azimuth in (0, 40, -40, 180):
        assert seen(back, alone, camera(azimuth), plain(BLUE))[..., 1].any()
        assert not seen(back, beside, camera(azimuth), plain(BLUE))[..., 1].any()


def test_whoever_has_no_reference_is_grey_and_hides_who_is_behind():
    back, front = ellipsoid((0.6, 0.3, 0.9), (0, 0.8, 0)), ellipsoid((0.25, 0.3, 0.5), (0, -0.6, 0))
    mvp, background = camera(0), soft(1)
    texture = texture_of(filmed(back, mvp), *back, mvp)
    lay = untold(len(front[0]))
    made = reprojected(background, [front, back], [lay, texture], mvp)
    before, behind = covered(front, mvp, grown=0.9), covered(back, mvp) & ~covered(front, mvp, grown=1.2)
    assert np.ptp(made[before]) == 0
    assert behind.any()
    assert np.array_equal(made[behind], reprojected(background, [back], [texture], mvp)[behind])
    assert np.array_equal(reprojected(background, [], [], mvp), background)


def test_the_nearer_of_two_is_seen_in_whichever_order_they_are_given():
    back, front = ellipsoid((0.6, 0.3, 0.9), (0, 0.8, 0)), ellipsoid((0.25, 0.3, 0.5), (0, -0.6, 0))
    mvp = camera(0)
    cast = [(body, texture_of(plain(colour), *body, mvp)) for body, colour in ((front, RED), (back, GREEN))]
    one, other = (reprojected(plain(), *zip(*each, strict=True), mvp) for each in (cast, cast[::-1]))
    assert np.array_equal(one, other)
    assert (one[covered(front, mvp, grown=0.9)] == RED).all()


@pytest.mark.parametrize("larger", ["picture", "reference"])
def test_a_larger_picture_is_the_same_but_finer(larger):
    body, reference, mvp = anybody("ellipsoid"), camera(0), camera(10)
    small, large = SIZE, (3 * SIZE[0], 3 * SIZE[1])
    of_small, of_large = (texture_of(soft(0, size), *body, reference) for size in (small, large))
    made = seen(body, of_small, mvp)
    if larger == "picture":
        finer = seen(body, of_small, mvp, plain(size=large))
        finer = finer.reshape(SIZE[1], 3, SIZE[0], 3, 3).mean((1, 3))
    else:
        finer = seen(body, of_large, mvp)
    apart = np.abs(finer - made.astype(float))
    assert apart[covered(body, mvp, grown=0.7)].max() < 12
    assert apart.mean() < 1


@pytest.mark.parametrize("mvp", [np.zeros((4, 4)), np.eye(4), np.ones((4, 4))], ids=["zeros", "flat", "ones"])
def test_a_reference_of_no_camera_tells_nothing(mvp):
    assert is_untold(texture_of(soft(0), *anybody("ellipsoid"), mvp))


@pytest.mark.parametrize("reason", ["behind", "aside", "hidden", "nothing"])
def test_a_reference_that_shows_nothing_of_somebody_tells_nothing(reason):
    points, triangles = anybody("ellipsoid")
    screen = ellipsoid((2.0, 0.1, 2.0), (0.0, -1.5, 0.0))
    away = {"behind": [0, -9, 0], "aside": [9, 0, 0], "hidden": [0, 0, 0], "nothing": [0, 0, 0]}[reason]
    points, triangles = points + away, triangles[:0] if reason == "nothing" else triangles
    others = [screen] if reason == "hidden" else []
    assert is_untold(texture_of(soft(0), points, triangles, camera(0), others))


def test_what_no_picture_shows_is_like_the_other_side():
    """Seen from its right, a body has its right side's pattern on its left, mirrored."""
    points, triangles = ellipsoid((0.5, 0.5, 0.8), around=48)
    right, left = camera(90, height=0), camera(-90, height=0)
    mirrored = points * [-1, 1, 1]
    twins = np.array([np.square(points - place).sum(1).argmin() for place in mirrored])
    shown = soft(2)
    with_twins, without = (texture_of(shown, points, triangles, right, (), each) for each in (twins, None))
    inside = covered((points, triangles), left, grown=0.75)
    expected = shown[:, ::-1][inside].astype(int)
    apart = [
        np.abs(seen((points, triangles), t, left)[inside] - expected).mean() for t in (with_twins, without)
    ]
    assert apart[0] < 6 < 20 < apart[1]


def test_a_part_that_no_skin_joins_to_what_is_shown_is_like_what_is_nearest():
    """A red ball is above a green one, and behind each is another that they hide."""
    balls = [ellipsoid((0.3, 0.3, 0.3), (0, y, z), 24, 20) for z in (0.5, -0.5) for y in (0, 0.9)]
    body, reference = joined(*balls), camera(0, height=0.0, distance=40, focal=24)
    upper = np.arange(SIZE[1])[:, None, None] < SIZE[1] / 2
    shown = np.where(upper, RED, GREEN) + plain((0, 0, 0))
    made = seen(body, texture_of(shown, *body, reference), camera(180, height=0.0, distance=40, focal=24))
    there = covered(body, camera(180, height=0.0, distance=40, focal=24))
    assert (made[there & upper[..., 0]] * [1, 1, 0] == RED).mean() > 0.9
    assert (made[there & ~upper[..., 0]] * [1, 1, 0] == GREEN).mean() > 0.9


@settings(max_examples=15)
@given(
    turn=st.tuples(*[st.floats(-180, 180)] * 3),
    place=st.tuples(*[st.floats(-20, 20)] * 3),
    azimuth=st.floats(0, 360),
)
def test_looks_do_not_depend_on_where_body_and_camera_are_together(turn, place, azimuth):
    points, triangles = ellipsoid((0.5, 0.4, 0.8), around=24, along=16)
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix(), place
    moved = points @ whole[:3, :3].T + whole[:3, 3]
    back, mvp, shown = np.linalg.inv(whole), camera(azimuth), soft(0)
    here = seen((points, triangles), texture_of(shown, points, triangles, camera(0)), mvp)
    there = texture_of(shown, moved, triangles, camera(0) @ back)
    apart = np.abs(seen((moved, triangles), there, mvp @ back).astype(int) - here)
    # A place on the edge of two triangles, or of a limit, may be counted to the other one.
    assert (apart > 2).mean() < 0.01


def test_on_frames_that_hide_somebody_nobody_is_painted():
    shot = make_shot(5)
    textures = textures_of(shot)
    background = soft(0, (48, 32))
    one, other = shot.characters
    shown = np.array([True, False, True, True, True])
    hiding = replace(shot, characters=(replace(one, shown=shown), replace(other, shown=shown)))
    assert np.array_equal(reprojected_frame(hiding, 1, background, textures), background)
    assert np.array_equal(
        reprojected_frame(hiding, 2, background, textures), reprojected_frame(shot, 2, background, textures)
    )
    assert not np.array_equal(reprojected_frame(shot, 1, background, textures), background)


def test_each_of_a_cast_has_the_texture_of_its_own_reference():
    shot = make_shot(5)
    nameless = replace(shot, characters=(replace(shot.characters[0], reference=None), shot.characters[1]))
    assert [is_untold(texture) for texture in textures_of(nameless)] == [True, False]
    for texture, character in zip(textures_of(shot), shot.characters, strict=True):
        assert np.array_equal(texture.points, character.reference.points)
    pictures = [texture.pictured.picture for texture in textures_of(shot)]
    assert not np.array_equal(*pictures)


def test_of_a_large_photograph_less_is_held_and_people_look_the_same():
    shot, background = make_shot(1), soft(0, (48, 32))
    given, large = (
        replace(shot, references=(picture(w, h), picture(w, h))) for w, h in ((750, 600), (2000, 1600))
    )
    textures = textures_of(large)
    assert all(max(texture.pictured.picture.shape) <= 1024 for texture in textures)
    made = [reprojected_frame(each, 0, background, textures_of(each)).astype(int) for each in (given, large)]
    assert np.abs(made[0] - made[1]).mean() < 0.5


def test_in_a_picture_of_all_nobody_has_the_colours_of_who_is_in_front():
    """As told of each alone, and of both together."""
    shot = make_shot(1, centres=((0, -0.9, 0), (0.5, 0.6, 0)), references="all")
    _, back = textures_of(shot)
    alone = textures_of(replace(shot, characters=shot.characters[1:]))[0]
    assert (alone.pictured.depth > back.pictured.depth).any()
    assert not np.array_equal(alone.spread, back.spread)


def test_of_whoever_has_a_picture_that_cannot_be_read_nothing_is_told():
    shot = make_shot(1)
    first, second = textures_of(replace(shot, references=(picture(), b"no picture")))
    assert [is_untold(texture) for texture in (first, second)] == [False, True]
