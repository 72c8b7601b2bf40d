"""Preflight's checks on shots and plans made of arrays; no Blender."""

import re
import resource
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_blender_addon.preflight import check_shot, cost
from isa_blender_addon.preflight.camera_motion import TURN_DEGREES, check_camera_motion
from isa_blender_addon.preflight.contact import check_contact, depth
from isa_blender_addon.preflight.cost import Work
from isa_blender_addon.preflight.finding import spans
from isa_blender_addon.preflight.framing import check_framing
from isa_blender_addon.preflight.limits import Plan, check_limits
from isa_blender_addon.preflight.references import CastPicture, check_pictures, check_reference_poses
from isa_blender_addon.preflight.size import check_size
from isa_blender_addon.preflight.viewpoint import check_viewpoint
from isa_engine.configuration import model_config
from isa_engine.configuration.limits import Limits
from isa_engine.cost import generation, wan
from isa_engine.data.scenario.camera_paths import look_at_matrices, random_camera_path
from isa_engine.models import KINDS, describe, names, vace
from isa_engine.shot import Character, ReferencePose, Shot, canvas_size
from tests.addon.overlay.test_geometry import ball
from tests.pipeline import discs

FRAMES = 24


def shot(places: dict, camera=None, fps=24) -> Shot:
    """Balls of 40 cm that go from a place to another, under a camera four metres away."""
    characters = []
    for name, (start, end) in places.items():
        body = ball((0, 0, 0), rings=16)
        order = np.random.default_rng(0).permutation(len(body.points))
        way = np.linspace(start, end, FRAMES)[:, None]
        points = (body.points[order] + way).astype(np.float32)
        characters.append(Character(name, points, np.argsort(order)[body.triangles].astype(np.int32)))
    if camera is None:
        camera = np.tile(look_at_matrices(np.array([[0, -4, 1.0]]), np.array([[0, 0, 1.0]])), (FRAMES, 1, 1))
    numbers, intrinsics = np.arange(11, 11 + FRAMES, dtype=np.int32), np.tile([1.5, 1.5, 0, 0], (FRAMES, 1))
    return Shot(Fraction(fps), 320, 320, numbers, intrinsics, camera, tuple(characters))


def orbit(degrees_a_second: float, fps=24) -> np.ndarray:
    angle = np.radians(degrees_a_second) * np.arange(FRAMES) / fps
    place = np.stack([4 * np.sin(angle), -4 * np.cos(angle), np.ones(FRAMES)], 1)
    return look_at_matrices(place, np.tile([0, 0, 1.0], (FRAMES, 1)))


def still(place) -> tuple:
    return place, place


def test_a_shot_that_is_well_staged_has_no_findings():
    staged = shot({"Anna": still((-0.6, 0, 1)), "Ben": ((0.4, 0, 1), (0.7, 0.2, 1))}, orbit(30))
    assert check_shot(staged) == []


@pytest.mark.parametrize(
    ("way", "words", "serious"),
    [
        (still((9, 0, 1)), "Ben is out of the frame all the time.", True),
        (still((0, -9, 1)), "Ben is behind the camera all the time.", True),
        (((0, 0, 1), (8, 0, 1)), "Ben is out of the frame at ", False),
    ],
)
def test_who_is_not_in_the_picture_is_named_with_the_frames(way, words, serious):
    staged = shot({"Anna": still((-0.6, 0, 1)), "Ben": way})
    (found,) = check_framing(staged)
    assert found.sentence.startswith(words)
    assert found.serious == serious
    assert {mend.operator for mend in found.mends} == {"isa.leave_out", "isa.show_frame"}
    assert all(mend.values["character"] == "Ben" for mend in found.mends)
    if not serious:
        first = next(mend for mend in found.mends if mend.operator == "isa.show_frame").values["frame"]
        assert f" {first}–34." in found.sentence
        before = staged.characters[1].points[first - 11 - 1]
        assert np.abs(before[:, 0] / (4 + before[:, 1])).min() * 1.5 <= 1


def standing(staged: Shot, pelvis: float, head: float) -> Shot:
    """The first character with these two joints alone, at so many metres of height, over its first points."""
    anna = staged.characters[0]
    joints = np.full((FRAMES, 60, 3), np.nan, np.float32)
    for joint, height in ((0, pelvis), (15, head)):
        joints[:, joint] = anna.points.mean(1) * [1, 1, 0] + [0, 0, height]
    return replace(staged, characters=(replace(anna, skeleton=joints), *staged.characters[1:]))


def test_a_head_that_the_upper_edge_cuts_off_is_named_with_its_frames():
    staged = shot({"Anna": still((0, 0, 1))})
    whole, cut = standing(staged, 1.0, 1.6), standing(staged, 1.0, 4.0)
    assert check_framing(whole) == []
    (found,) = check_framing(cut)
    assert found.sentence == "Anna's head is cut off at 11–34."
    assert not found.serious
    assert [mend.operator for mend in found.mends] == ["isa.show_frame"]
    # Of legs alone, or of somebody without known joints, nobody knows.
    assert check_framing(standing(staged, 3.9, 4.5)) == []
    assert check_framing(standing(staged, np.nan, np.nan)) == []


@settings(max_examples=10, deadline=None)
@given(gap=st.floats(0.5, 0.9), angle=st.floats(0, 2 * np.pi))
def test_the_depth_is_how_far_two_bodies_overlap(gap, angle):
    aside = (gap * np.cos(angle), gap * np.sin(angle), 1)
    first, second = shot({"Anna": still((0, 0, 1)), "Ben": still(aside)}).characters
    overlap = max(0.8 - gap, 0)
    assert depth(first, second, 0) == pytest.approx(overlap, abs=0.1)
    assert depth(first, second, 0) == pytest.approx(depth(second, first, 0), abs=1e-6)


def test_deep_contact_is_found_at_its_frames_and_moving_apart_mends_it():
    staged = shot(
        {"Anna": still((0, 0, 1)), "Ben": ((1.2, 0.3, 1), (0.5, 0.3, 1)), "Cleo": still((-0.83, 0, 1))}
    )
    (found,) = check_contact(staged)
    assert "Anna and Ben" in found.sentence
    assert found.sentence.endswith("–34.")
    assert found.serious
    move = next(mend for mend in found.mends if mend.operator == "isa.move_apart")
    offset = np.array(move.values["offset"], np.float32)
    anna, ben, cleo = staged.characters
    mended = replace(staged, characters=(anna, replace(ben, points=ben.points + offset), cleo))
    assert check_contact(mended) == []


def test_a_touch_is_not_deep():
    assert check_contact(shot({"Anna": still((0, 0, 1)), "Ben": still((0.77, 0, 1))})) == []


@pytest.mark.parametrize("fps", [12, 24, 60])
def test_a_camera_may_turn_as_fast_as_in_training_and_no_faster(fps):
    cast = {"Anna": still((0, 0, 1))}
    assert check_camera_motion(shot(cast, orbit(0.9 * TURN_DEGREES, fps), fps)) == []
    (found,) = check_camera_motion(shot(cast, orbit(1.3 * TURN_DEGREES, fps), fps))
    degrees = float(re.match(r"The camera turns (\d+)° between 11 and 34", found.sentence)[1])
    assert degrees == pytest.approx(1.3 * TURN_DEGREES * (FRAMES - 1) / fps, abs=1)


def test_what_the_training_showed_is_not_called_fast():
    random = np.random.default_rng(0)
    flagged = 0
    for _ in range(150):
        cameras, views = random_camera_path(random, np.tile([0, 0, 1.0], (FRAMES, 1)), 1.0, FRAMES, 24, 1.0)
        taken = replace(shot({"Anna": still((0, 0, 1))}, views), intrinsics=cameras)
        flagged += bool(check_camera_motion(taken))
    assert flagged <= 6


def test_a_cut_and_a_rush_are_named():
    cast = {"Anna": still((0, 0, 1))}
    cut = orbit(0)
    cut[12:] = look_at_matrices(np.array([[4.0, 0, 1]]), np.array([[0, 0, 1.0]]))
    (found,) = check_camera_motion(shot(cast, cut))
    assert "jumps at 23" in found.sentence
    near = orbit(0)
    near[:, 1, 3] = -4 * np.exp(-1.2 * np.arange(FRAMES) / 24)
    (found,) = check_camera_motion(shot(cast, near))
    assert "3.3 times a second" in found.sentence


def test_a_single_frame_has_no_motion():
    staged = shot({"Anna": still((0, 0, 1))})
    one = replace(staged, frame_numbers=staged.frame_numbers[:1], intrinsics=staged.intrinsics[:1],
                  camera_to_world=staged.camera_to_world[:1],
                  characters=tuple(replace(c, points=c.points[:1]) for c in staged.characters))  # fmt: skip
    assert check_shot(one) == []


def test_pictures_that_are_missing_or_do_not_match_are_named():
    fits = CastPicture("Anna", (640, 360), (1920.0, 1080.0))
    assert check_pictures([fits, CastPicture("Dan", (300, 500), None, error=3.0, figure=200)]) == []
    (missing,) = check_pictures([CastPicture("Ben", None, (16, 9))])
    assert missing.sentence == "Ben has no reference picture: the model makes up a look."
    (several,) = check_pictures([CastPicture(name, None, (16, 9)) for name in ("Ben", "Cleo", "Dan", "Eve")])
    assert several.sentence == "Ben and 3 others have no reference picture: the model makes up their looks."
    (shape,) = check_pictures([CastPicture("Ben", (600, 800), (16, 9))])
    assert "600×800" in shape.sentence
    (unmatched,) = check_pictures([CastPicture("Ben", (600, 800), None, matched=False)])
    assert unmatched.sentence == "Ben is not matched to the reference picture."
    (off,) = check_pictures([CastPicture("Ben", (600, 800), None, error=41.0, figure=700)])
    assert "41 pixels off" in off.sentence
    # Of a small figure in a large picture a few pixels are much.
    (small,) = check_pictures([CastPicture("Ben", (600, 800), None, error=5.0, figure=100)])
    assert "5 pixels off" in small.sentence
    (unposed,) = check_pictures([CastPicture("Ben", (600, 800), None, posed=False, error=1.0, figure=700)])
    assert unposed.serious
    assert "Nobody has posed Ben's stand-in" in unposed.sentence
    assert {f.mends[0].operator for f in (shape, unmatched, off, unposed)} == {"isa.match_reference"}
    assert missing.mends[0].operator == "isa.choose_picture"


def test_a_reference_that_shows_nothing_of_its_character_is_named():
    staged = shot({"Anna": still((0, 0, 1))})
    (anna,) = staged.characters
    for offset, count in ((0, 0), (5, 1)):
        pose = ReferencePose(0, anna.points[0] + np.float32([offset, 0, 0]), staged.mvp[0])
        cast = (replace(anna, reference=pose),)
        assert len(check_reference_poses(replace(staged, characters=cast))) == count


def plan(model="isa-tiny", frames=25, **known) -> Plan:
    others = tuple(describe(name) for name in names() if name != model)
    known = {"longest": frames, "fps": 12.0, "other_models": others, **known}
    return Plan(describe(model), Work(frames, (1280.0, 720.0), 2, 30, 2.0), 10, 2, **known)


def test_what_fits_has_no_findings():
    assert check_limits(plan(memory=16 * 2**30, state="here")) == []
    assert check_limits(plan()) == []


def test_too_many_frames_end_where_the_model_does_or_go_to_a_longer_one():
    most = describe("isa-small").max_frames
    (found,) = check_limits(plan("isa-small", frames=most + 1))
    assert str(most) in found.sentence
    assert found.mends[0].values == {"frame_end": 10 + 2 * (most - 1)}
    assert len(range(10, found.mends[0].values["frame_end"] + 1, 2)) == most
    assert found.mends[1].values == {"model": "isa-tiny"}


def test_too_little_memory_names_both_numbers_and_what_fits():
    (found,) = check_limits(plan("isa-4b", 97, memory=8 * 2**30))
    assert "the engine has 8.0 GiB" in found.sentence
    assert found.serious
    assert found.mends[0].values == {"model": "isa-tiny"}
    needed = cost.memory(describe("isa-tiny"), replace(plan().work, frames=9), "")
    (found,) = check_limits(plan(frames=13, memory=needed / 0.9))
    shortened = (found.mends[0].values["frame_end"] - 10) // 2 + 1
    assert 1 < shortened < 13
    assert check_limits(plan(frames=shortened, memory=needed / 0.9)) == []


def test_a_canvas_that_does_not_fit_may_have_less_detail():
    large = replace(plan().work, detail=4, policy="forecast")
    needed = [cost.memory(describe("isa-tiny"), replace(large, detail=each), "") for each in (1, 2, 3, 4)]
    assert needed == sorted(needed)
    for fits in (1, 2, 3):
        scarce = replace(plan(memory=1.01 * needed[fits - 1] / 0.9), work=large)
        (found,) = check_limits(scarce)
        assert (found.mends[0].operator, found.mends[0].values) == ("isa.use_detail", {"detail": fits})
        assert check_limits(replace(scarce, work=replace(large, detail=fits))) == []


def test_what_does_not_fit_whole_is_offloaded_and_takes_longer(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    whole, half = (way.bytes for way in describe("discs").ways(None, "cuda"))
    assert check_limits(plan("discs", 21, memory=1.2 * whole)) == []
    (found,) = check_limits(plan("discs", 21, memory=1.2 * half))
    assert "wait in the machine's memory" in found.sentence
    assert not found.serious
    for too_little in ({"memory": half}, {"memory": 1.2 * half, "device": "cpu"}):
        (found,) = check_limits(plan("discs", 21, **too_little))
        assert "the engine has" in found.sentence
        assert found.serious
    work = plan("discs", 21).work
    times = [
        cost.seconds(describe("discs"), work, "cuda:0", memory, {}) for memory in (2 * whole, 1.2 * half)
    ]
    assert times[0]["denoise"] < times[1]["denoise"]


def test_that_more_of_a_model_fits_if_it_is_added_in_8_bits_is_said(monkeypatch):
    shape = wan.Shape((1, 2, 2), 8, 5120, 40, 13824, 8, 16, 96, 4096)
    counts = {"transformer": 17_340_000_000, "vae": 127_000_000, "text_encoder": 5_680_000_000}
    model = vace.VACE("14b", "here", "apache-2.0", shape, counts, False, False, vace.FULL)

    def texts(model, gib):
        return [
            found.sentence
            for found in check_limits(replace(plan(frames=13), model=model, memory=gib * 2**30))
        ]

    waiting, lighter = (text for text in texts(model, 40) if "memory" in text or "--fp8" in text)
    assert "Parts of it wait" in waiting
    assert re.fullmatch(r"Added once more with --fp8, 14b would need 2\d\.\d GiB there: whole.", lighter)
    light = replace(model, fp8=True)
    for other, gib in ((light, 40), (light, 24), (model, 80)):
        assert not [text for text in texts(other, gib) if "--fp8" in text]


def test_what_other_programs_have_is_no_room_for_a_shot():
    beside = cost.memory_beside(describe("isa-tiny"), replace(plan().work, frames=9))
    assert check_limits(plan(frames=9, memory=16 * 2**30, free=beside)) == []
    (found,) = check_limits(plan(frames=13, memory=16 * 2**30, free=beside))
    assert "other programs have the rest" in found.sentence
    assert not found.serious
    shortened = (found.mends[0].values["frame_end"] - 10) // 2 + 1
    assert check_limits(plan(frames=shortened, memory=16 * 2**30, free=beside)) == []


def test_where_nothing_is_small_enough_there_is_another_engine():
    (found,) = check_limits(plan(memory=2**20))
    assert [mend.operator for mend in found.mends] == ["isa.choose_engine"]


def test_an_untrained_model_is_named_with_one_that_is_trained():
    small = replace(describe("isa-small"), state="here")
    (found,) = check_limits(plan(state="untrained", other_models=(small,)))
    assert "untrained" in found.sentence
    assert found.mends[0].values == {"model": "isa-small"}
    assert found.serious, "the plate would show nobody"
    (found,) = check_limits(plan(state="untrained", other_models=()))
    assert found.mends[0].operator == "isa.choose_engine"


def test_who_has_no_bones_is_named_to_a_model_that_reads_skeletons():
    staged = shot({"Anna": still((0, 0, 1)), "Ben": still((1, 0, 1))})
    anna, ben = staged.characters
    staged = replace(staged, characters=(replace(anna, skeleton=np.zeros((FRAMES, 60, 3), np.float32)), ben))
    reads = replace(discs.Described(), controls=("pose",))
    (found,) = (found for found in check_shot(staged, reads) if "bones" in found.text)
    assert found.sentence.startswith("Ben has no bones")
    assert not [found for found in check_shot(staged, discs.Described()) if "bones" in found.text]


@pytest.mark.parametrize(("state", "words"), [("missing", "are missing"), ("", "does not have the model")])
def test_a_model_that_the_engine_cannot_load_holds_the_shot(state, words):
    (found,) = check_limits(plan(state=state))
    assert words in found.sentence
    assert found.serious


def test_what_a_model_never_takes_holds_the_shot_until_it_is_shortened_or_cut(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    most = describe("discs").longest
    (found, *_) = check_limits(plan("discs", frames=most + 1))
    assert found.serious
    assert found.mends[0].values == {"frame_end": 10 + 2 * (most - 1)}
    assert found.mends[1].values == {"model": "isa-tiny"}
    (cut,) = check_limits(plan("discs", frames=most + 1, longest=most))
    assert "was tried with 21" in cut.sentence
    assert not cut.serious


def test_a_frame_rate_far_from_the_models_and_more_people_than_it_keeps_apart_are_said(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    for fps, said in ((12, False), (18, False), (24, True), (6, True), (8, False)):
        assert bool(check_limits(plan("discs", 21, fps=float(fps)))) == said
    (found,) = check_limits(plan("discs", 21, fps=24.0))
    step = found.mends[0].values["frame_step"]
    assert not check_limits(plan("discs", 21, fps=24.0 * 2 / step)), "the button mends it"
    (found,) = check_limits(replace(plan("discs", 21, fps=6.0), frame_step=1))
    assert not found.mends, "no step makes more frames than there are"
    crowd = plan("discs", 21)
    (found,) = check_limits(replace(crowd, work=replace(crowd.work, characters=3)))
    assert "3 people: discs was seen to keep 2 apart." in found.sentence


@pytest.mark.parametrize(
    ("chosen", "words"), [([], ""), ([1], "2"), ([0, 1, 3], "1–2, 4"), ([0, 2, 4], "1, 3, 5")]
)
def test_frames_in_words(chosen, words):
    mask = np.zeros(5, bool)
    mask[chosen] = True
    assert spans(np.arange(1, 6), mask) == words


@pytest.mark.parametrize("name", names())
def test_the_cost_is_of_the_models_own_canvas(name):
    model = describe(name)
    work = Work(25, (1280, 720), 3, 12, 2.5)
    canvas = canvas_size(1280, 720, model.short_side, model.multiple)
    phases = generation.generation(model_config(name), generation.Work(25, *canvas, 3, 12, 2.5))
    assert cost.operations(model, work) == phases


def test_the_time_of_each_phase_follows_an_earlier_plates_pace():
    model, work = describe("isa-tiny"), plan().work
    assert cost.seconds(model, work, "", None, {}) == {}
    slow, fast = (cost.seconds(model, work, device, None, {}) for device in ("cpu", "cuda:0"))
    assert all(slow[phase] > fast[phase] for phase in slow)
    paces = {phase: count / 90 for phase, count in cost.operations(model, work).items()}
    assert cost.seconds(model, work, "", None, paces) == pytest.approx(dict.fromkeys(paces, 90))
    more = cost.seconds(model, replace(work, steps=60), "cpu", None, paces)
    assert more["denoise"] > 100
    assert more["decode"] == pytest.approx(90)


def test_this_machines_memory_is_what_the_system_says():
    from isa_blender_addon.engine.process import machine_memory

    assert machine_memory() > 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(("scale", "named"), [(1.0, False), (0.6, False), (100.0, True), (0.01, True)])
def test_people_of_another_size_than_people_are_named(scale, named):
    there = shot({"Anna": still((0, 0, 1))})
    (anna,) = there.characters
    scaled = replace(there, characters=(replace(anna, points=anna.points * np.float32(scale)),))
    assert [found.serious for found in check_size(scaled)] == [True] * named


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ((0, -4, 1.0), None),
        (
            (0, -40, 1.0),
            "Anna is 4 pixels tall in the plate at 11–34: isa-tiny was seen to paint people from 20",
        ),
        ((0, -0.6, 1.0), "Anna would be 272 pixels tall in the plate at 11–34: isa-tiny was seen to paint"),
        ((0, -2, 4.0), "The camera looks down on Anna by 56° at 11–34: isa-tiny was seen to obey up to 40°."),
        ((0, -3, -1.5), "The camera looks up at Anna by 40° at 11–34: isa-tiny was seen to obey up to 10°."),
    ],
)
def test_views_that_the_model_was_seen_to_lose_are_named(camera, words, monkeypatch):
    limits = Limits(size=(20, 110), elevation=(-10, 40), lens=(20, 85), people=1)
    monkeypatch.setattr("isa_blender_addon.preflight.viewpoint.limits_of", {"isa-tiny": limits}.get)
    placed = np.tile(look_at_matrices(np.array([camera]), np.array([[0, 0, 1.0]])), (FRAMES, 1, 1))
    staged = shot({"Anna": still((0, 0, 1))}, placed)
    found = check_viewpoint(staged)
    if words is None:
        assert found == []
        return
    (finding,) = found
    assert finding.sentence.startswith(words)
    assert finding.mends[0].values == {"frame": 11, "character": "Anna"}
    unmeasured = replace(staged, settings=replace(staged.settings, model="isa-4b"))
    assert check_viewpoint(unmeasured) == []


def test_who_is_off_the_frame_is_not_measured(monkeypatch):
    limits = Limits(size=(20, 110), elevation=(-10, 40), lens=(20, 85), people=1)
    monkeypatch.setattr("isa_blender_addon.preflight.viewpoint.limits_of", {"isa-tiny": limits}.get)
    assert check_viewpoint(shot({"Anna": still((0, 0, 1)), "Ben": still((200, 90, 1))})) == []


def test_lenses_that_the_model_was_not_seen_to_obey_are_named(monkeypatch):
    limits = Limits(size=(1, 1000), elevation=(-90, 90), lens=(35, 50), people=1)
    monkeypatch.setattr("isa_blender_addon.preflight.viewpoint.limits_of", {"isa-tiny": limits}.get)
    staged = shot({"Anna": still((0, 0, 1))})
    # Of 27 mm at first, which nears 72.
    zooming = replace(staged, intrinsics=staged.intrinsics * np.geomspace(1, 8 / 3, FRAMES)[:, None])
    first, last = check_viewpoint(zooming)
    assert first.sentence.startswith("The lens has 27 mm at 11–1")
    assert last.sentence.endswith("–34: isa-tiny was seen to obey up to 50 mm.")


def test_boxes_that_leave_little_of_the_set_are_told_where_there_is_one():
    reads = discs.Described(painted=("mask", "boxes"))
    near = shot({"Anna": ((0, -3.4, 1), (0, -3.4, 1))})
    near = replace(near, settings=replace(near.settings, painted="boxes", width=320, height=320))
    (found,) = (found for found in check_shot(near, reads, keeps=True) if "Boxes" in found.text)
    assert re.fullmatch(r"Boxes cover \d+% of the picture: little of the background is kept.", found.sentence)
    assert [mend.operator for mend in found.mends] == ["isa.paint_bodies"]
    assert not found.serious
    far = replace(near, characters=shot({"Anna": still((0, 0, 1))}).characters)
    bodies = replace(near, settings=replace(near.settings, painted="mask"))
    for well, model, keeps in (
        (near, reads, False),
        (far, reads, True),
        (bodies, reads, True),
        (near, None, True),
    ):
        assert not [found for found in check_shot(well, model, keeps) if "Boxes" in found.text]
