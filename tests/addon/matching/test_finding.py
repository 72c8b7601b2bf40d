"""People found in pictures: whom a character becomes, who chooses, and what a correction changes."""

import json

import bpy
import numpy as np
import pytest

from isa_blender_addon.matching import draw, found, seen
from isa_blender_addon.matching.marks import close
from isa_blender_addon.matching.pose import is_posed
from isa_blender_addon.operators.matching.fit_pose import refit
from isa_blender_addon.settings.cast import cast_member, refresh_cast
from isa_engine.body import bundled_motion, open_body
from isa_engine.body.fitting.keypoints import KEYPOINTS
from isa_engine.body.fitting.landmarks import detected_offsets
from isa_engine.client.location import python_of
from isa_engine.detection.telling import told
from tests.addon.drawn import drawn
from tests.addon.scenes.cast import stage
from tests.detection.sightings import sighting
from tests.pipeline.shots import picture

SIZE = (600, 400)
LENS = np.array([100 / 36, 100 / 36 * 1.5, 0, 0])
LEFT, RIGHT = np.array([-0.5, 0.1, -5.0]), np.array([0.6, 0.0, -4.0])


def person(place: np.ndarray, frame: int):
    rotations = bundled_motion("punch").rotations[frame].astype(float)
    rotations[25:40, 2] = -0.6
    return sighting(open_body(), rotations, place, SIZE, LENS, hands=True, elsewhere=detected_offsets())


@pytest.fixture
def detector(tmp_path, monkeypatch):
    """A program that says these people whatever it is asked, and notes what it was asked."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nhead -n 1 >{tmp_path}/asked\ncat {tmp_path}/answer\ncat >/dev/null\n")
    program.chmod(0o755)
    monkeypatch.setenv("ISA_DETECTOR_PYTHON", str(program))

    def says(*people) -> None:
        (tmp_path / "answer").write_text(json.dumps({"people": [told(one) for one in people]}) + "\n")

    says.asked = lambda: json.loads((tmp_path / "asked").read_text())
    return says


@pytest.fixture
def anna(scene, tmp_path, addon):
    stage(scene)
    (tmp_path / "anna.png").write_bytes(picture(*SIZE))
    refresh_cast(scene)
    scene.isa.cast[0].picture = str(tmp_path / "anna.png")
    return scene.isa.cast[0]


def find(**wish):
    assert bpy.ops.isa.find_person(character="Anna", **wish) == {"FINISHED"}
    bpy.context.view_layer.update()
    return cast_member(bpy.context.scene, "Anna")


def off(member, one) -> float:
    """Pixels between the ghost's limbs and somebody's."""
    return float(
        np.linalg.norm((seen.ghost_places(bpy.context.scene, member) * SIZE - one)[5:], axis=1).mean()
    )


def limbs(place: np.ndarray, frame: int) -> np.ndarray:
    """Where somebody's keypoints really are."""
    rotations = bundled_motion("punch").rotations[frame].astype(float)
    return sighting(open_body(), rotations, place, SIZE, LENS).places[:17]


def test_the_largest_person_is_who_the_character_is_with_marks_and_fingers(scene, anna, detector):
    detector(person(RIGHT, 20), person(LEFT, 90))
    member = find()
    assert member.pose == "MATCHED"
    assert is_posed(member.ghost)
    assert off(member, limbs(RIGHT, 20)) < 5
    assert close(*seen.error_and_size(scene, member))
    assert sum(member.marked) == len(KEYPOINTS)
    bent = member.ghost.pose.bones["left_index2"].rotation_quaternion.angle
    assert np.degrees(bent) > 20
    assert detector.asked()["box"] is None


def test_a_click_makes_it_another_and_asks_nobody_again(scene, anna, detector, tmp_path):
    detector(person(RIGHT, 20), person(LEFT, 90))
    find()
    (tmp_path / "asked").unlink()
    member = find(which=1)
    assert off(member, limbs(LEFT, 90)) < 5
    assert not (tmp_path / "asked").exists()
    people = found.kept(member).people
    for number, one in enumerate(people):
        assert found.at(people, one.middle()) == number
    assert found.at(people, np.array([1.0, 1.0])) is None


def test_a_box_is_looked_in_for_who_was_not_found(scene, anna, detector):
    detector(person(RIGHT, 20))
    find()
    detector(person(LEFT, 90))
    box = person(LEFT, 90).box() / [*SIZE, *SIZE]
    member = find(box=box.tolist())
    np.testing.assert_allclose(np.array(detector.asked()["box"]) / [*SIZE, *SIZE], box, atol=1e-5)
    assert off(member, limbs(LEFT, 90)) < 5
    assert len(found.kept(member).people) == 2


def test_who_is_another_character_already_is_not_taken_twice():
    people = [person(RIGHT, 20), person(LEFT, 90)]

    class Asked:
        def picture(self, encoded, name):
            return people

    wish = found.Wish([], None, None, [person(RIGHT, 20).box()])
    chosen, _ = found.find(Asked(), b"", "Ben", wish, open_body().joints().astype(float), SIZE, LENS)
    assert chosen.which == 1


def test_nobody_in_the_picture_is_said_and_the_ghost_stays(scene, anna, detector):
    detector()
    with pytest.raises(RuntimeError, match=r"Nobody is found in the picture.*Draw a box"):
        find()
    assert not is_posed(cast_member(scene, "Anna").ghost)


def test_a_dragged_mark_refits_at_once_and_the_detectors_hands_stay(scene, anna, detector):
    detector(person(RIGHT, 20))
    member = find()
    wrist = KEYPOINTS.index("left_wrist")
    marks = member.marks
    marks[wrist] += np.array([15, -25]) / SIZE
    member.marks = marks
    before = np.linalg.norm((seen.ghost_places(scene, member)[wrist] - marks[wrist]) * SIZE)
    refit(bpy.context, member)
    after = np.linalg.norm((seen.ghost_places(scene, member)[wrist] - marks[wrist]) * SIZE)
    assert before > 20
    assert after < 0.4 * before
    assert np.degrees(member.ghost.pose.bones["left_index2"].rotation_quaternion.angle) > 20


def test_what_was_found_is_of_its_picture_and_survives_saving(scene, anna, detector, tmp_path):
    detector(person(RIGHT, 20), person(LEFT, 90))
    find()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    member = cast_member(bpy.context.scene, "Anna")
    assert found.kept(member).which == 0
    assert len(found.kept(member).people) == 2
    for damaged in ("{", "[]", member.found.replace("places", "place")):
        other, member.found = member.found, damaged
        assert found.kept(member) is None
        member.found = other
    member.picture = "//another.png"
    assert found.kept(member) is None


def test_without_a_detector_the_panel_says_how_to_get_one(scene, anna, tmp_path, monkeypatch):
    monkeypatch.delenv("ISA_DETECTOR_PYTHON", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    from isa_blender_addon.ui.cast import ISA_PT_cast

    anna.pose = "MATCHED"
    assert "install/detector.sh" in " ".join(drawn(ISA_PT_cast))
    with pytest.raises(RuntimeError, match=r"No detector is installed.*install/detector\.sh"):
        bpy.ops.isa.find_person(character="Anna")


def test_finding_ends_when_the_add_on_does(anna, detector):
    class Looking:
        cancelled = False

        def cancel(self):
            self.cancelled = True

    draw.marking.detector = looking = Looking()
    draw.unregister()
    assert looking.cancelled
    assert draw.marking.detector is None
    draw.register()


@pytest.mark.skipif(not python_of("detector"), reason="no detector is installed")
@pytest.mark.detector
def test_the_real_detector_matches_a_character_to_a_picture_in_one_call(scene, anna, tmp_path):
    from isa_engine.data.recordings.media import encode_picture
    from isa_engine.evaluation.detection.posed_pictures import SCENES, Photographer

    video = Photographer().film(SCENES[0], 0, (480, 480))
    (tmp_path / "front.png").write_bytes(encode_picture(video.pixels[0]))
    anna.picture = str(tmp_path / "front.png")
    member = find()
    joints = video.people[0].joints[0, [1, 2, 4, 5, 16, 17, 18, 19]]
    ndc = joints[:, :2] / -joints[:, 2:] * video.intrinsics[:2]
    truth = (ndc * [1, -1] + 1) / 2
    shown = seen.ghost_places(scene, member)[[11, 12, 13, 14, 5, 6, 7, 8]]
    # A thirtieth of the picture is a twentieth of the person.
    assert np.linalg.norm(shown - truth, axis=1).mean() < 1 / 30
    assert close(seen.match_error(scene, member), seen.figure_size(scene, member))
