import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from isa_engine.body import load_motion, open_body
from isa_engine.body.motions.joint_names import SCHEMES, counterparts
from isa_engine.errors import BodyError
from tests.body.captures import Capture, write_asf_amc, write_bvh

TAKE = Capture.at_random(4)


def assert_same_movement(first, second, atol=2e-4) -> None:
    body = open_body()
    some = slice(None, None, 50)
    a, _ = body.pose(rotations=first.rotations, translation=first.translation, vertices=some)
    b, _ = body.pose(rotations=second.rotations, translation=second.translation, vertices=some)
    np.testing.assert_allclose(a, b, atol=atol)


def test_asf_amc_and_bvh_of_one_take_are_one_motion(tmp_path):
    amc = load_motion(write_asf_amc(TAKE, tmp_path))
    bvh = load_motion(write_bvh(TAKE, tmp_path / "07_01.bvh"))
    assert (amc.name, amc.fps, len(amc.rotations)) == ("07_01", 120, 4)
    assert bvh.fps == pytest.approx(120, rel=1e-5)
    assert_same_movement(amc, bvh)


@pytest.mark.parametrize("order", ["XYZ", "YXZ", "ZYX"])
def test_a_bvh_may_turn_in_any_order(tmp_path, order):
    first = load_motion(write_bvh(TAKE, tmp_path / "a.bvh"))
    assert_same_movement(first, load_motion(write_bvh(TAKE, tmp_path / "b.bvh", order=order)))


@pytest.mark.parametrize("turn", [[90, 0, 0], [0, 0, -90], [90, 90, 0], [0, 180, 0]])
def test_a_bvh_may_have_any_axis_up_and_any_forward(tmp_path, turn):
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    first = load_motion(write_bvh(TAKE, tmp_path / "a.bvh"))
    assert_same_movement(first, load_motion(write_bvh(TAKE, tmp_path / "b.bvh", axes=axes)))


@pytest.mark.parametrize("flipped", range(3))
def test_a_bvh_may_be_left_handed(tmp_path, flipped):
    """As game engines have it: by the rule of right-handed axes its people's feet point backwards."""
    axes = np.diag(1.0 - 2.0 * (np.arange(3) == flipped))
    first = load_motion(write_bvh(TAKE, tmp_path / "a.bvh"))
    assert_same_movement(first, load_motion(write_bvh(TAKE, tmp_path / "b.bvh", axes=axes)))


def test_the_limbs_point_where_the_captured_limbs_point(tmp_path):
    """Whatever the two rest poses are: a still take in CMU's rest pose has its legs apart."""
    still = Capture(np.zeros((1, 29, 3)), np.zeros((1, 3)))
    motion = load_motion(write_asf_amc(still, tmp_path))
    _, joints = open_body().pose(rotations=motion.rotations[0], translation=motion.translation[0])
    for start, end, wanted in (
        *((1, 4, (6, -15, 0)), (4, 7, (6, -15, 0)), (2, 5, (-6, -15, 0)), (5, 8, (-6, -15, 0))),
        *((16, 18, (1, 0, 0)), (18, 20, (1, 0, 0)), (17, 19, (-1, 0, 0)), (19, 21, (-1, 0, 0))),
    ):
        bone = joints[end] - joints[start]
        np.testing.assert_allclose(bone / np.linalg.norm(bone), wanted / np.linalg.norm(wanted), atol=1e-3)


@pytest.mark.parametrize("fingers", ["lfingers", "unknown"])
def test_arms_that_hang_at_rest_hang_down_to_the_hands(tmp_path, fingers):
    still = Capture(np.zeros((1, 29, 3)), np.zeros((1, 3)))
    path = write_bvh(still, tmp_path / "a.bvh", arms_down=True)
    path.write_text(path.read_text().replace("JOINT lfingers", f"JOINT {fingers}"))
    motion = load_motion(path)
    _, joints = open_body().pose(rotations=motion.rotations[0])
    for start, end in ((16, 18), (18, 20), (20, 28)):
        bone = joints[end] - joints[start]
        np.testing.assert_allclose(bone / np.linalg.norm(bone), [0, -1, 0], atol=0.03)


def test_a_take_starts_over_the_origin_and_stands_on_the_ground(tmp_path):
    motion = load_motion(write_asf_amc(Capture(np.zeros((3, 29, 3)), np.full((3, 3), 77.0)), tmp_path))
    vertices, joints = open_body().pose(rotations=motion.rotations, translation=motion.translation)
    np.testing.assert_allclose(joints[0, 0, [0, 2]], 0, atol=1e-5)
    assert vertices[..., 1].min() == pytest.approx(0, abs=1e-4)


def test_steps_are_scaled_by_the_length_of_the_legs(tmp_path):
    """Legs of 2·√261 inches walk 10 inches; the body's walk as much for their length."""
    capture = Capture(np.zeros((2, 29, 3)), np.array([[0, 0, 0], [0, 0, 10.0]]))
    motion = load_motion(write_asf_amc(capture, tmp_path))
    joints = open_body().joints()
    legs = np.mean([np.linalg.norm(joints[a] - joints[b]) for a, b in ((1, 4), (4, 7), (2, 5), (5, 8))]) * 2
    walked = motion.translation[1] - motion.translation[0]
    np.testing.assert_allclose(walked, [0, 0, 10 * legs / (2 * 261**0.5)], rtol=1e-4, atol=1e-6)


def test_the_elbow_takes_half_of_the_forearms_twist_and_the_hand_stays(tmp_path):
    angles = np.zeros((1, 29, 3))
    # lwrist turns about the arm: its axes make y the bone's direction.
    angles[0, 20] = [0, 60, 0]
    motion = load_motion(write_asf_amc(Capture(angles, np.zeros((1, 3))), tmp_path))
    np.testing.assert_allclose(
        np.linalg.norm(motion.rotations[0, [18, 20]], axis=-1), np.radians(30), atol=1e-3
    )


RENAMED = {
    "root": "mixamorig:Hips",
    "lowerback": "mixamorig:Spine",
    "upperback": "mixamorig:Spine1",
    "thorax": "mixamorig:Spine2",
    "lowerneck": "between",
    "upperneck": "mixamorig:Neck",
    "head": "mixamorig:Head",
    **{
        f"{s}{theirs}": f"mixamorig:{side}{ours}"
        for s, side in (("l", "Left"), ("r", "Right"))
        for theirs, ours in {
            **{"femur": "UpLeg", "tibia": "Leg", "foot": "Foot", "toes": "ToeBase"},
            **{"clavicle": "Shoulder", "humerus": "Arm", "radius": "ForeArm"},
            **{"hand": "Hand", "fingers": "HandMiddle1"},
        }.items()
    },
}


def test_a_mixamo_skeleton_is_known_by_its_names(tmp_path):
    original = write_bvh(TAKE, tmp_path / "a.bvh")
    text = original.read_text()
    for old, new in RENAMED.items():
        text = text.replace(f"ROOT {old}\n", f"ROOT {new}\n").replace(f"JOINT {old}\n", f"JOINT {new}\n")
    (tmp_path / "b.bvh").write_text(text)
    assert_same_movement(load_motion(original), load_motion(tmp_path / "b.bvh"))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_skeleton_of_every_known_naming_is_known_whole(scheme):
    names = {
        name.format(Side=side.capitalize(), S=side[0].upper(), s=side[0])
        for name in SCHEMES[scheme].values()
        for side in ("left", "right")
    }
    names = sorted(names)
    found = counterparts(names, "a.bvh")
    assert set(found.values()) == set(range(len(names)))
    assert names[found["pelvis"]] == SCHEMES[scheme]["pelvis"]
    assert "r" in names[found["right_knee"]].lower()


def test_a_skeleton_of_unknown_names_says_which_joints_are_missing(tmp_path):
    path = write_bvh(TAKE, tmp_path / "a.bvh")
    path.write_text(path.read_text().replace("JOINT lfemur", "JOINT Oberschenkel.L"))
    with pytest.raises(
        BodyError, match=r"CMU, ASF.*joints are missing: lfemur \(.*\)\. .*Known are Mixamo"
    ) as caught:
        load_motion(path)
    assert str(path) in str(caught.value)


def test_a_take_without_its_skeleton_says_which_file_to_put_there(tmp_path):
    path = write_asf_amc(TAKE, tmp_path)
    (tmp_path / "07.asf").unlink()
    with pytest.raises(
        BodyError, match=r"skeleton is not beside it \(.*\)\. Put 07\.asf into the same folder"
    ):
        load_motion(path)


DAMAGED_AMC = {
    "cut between frames' bones": (
        lambda text: text[: text.rindex("thorax")],
        "frame 4 has not one line",
    ),
    "cut inside a line": (lambda text: text[: text.rindex("head") + 9], "does not fit the skeleton"),
    "letters": (
        lambda text: text.replace("head ", "head x", 1),
        r"'head x.*' are not numbers \(.*line \d+\)",
    ),
    "not a number": (lambda text: _first_value(text, "head", "nan"), "does not fit the skeleton"),
    "a bone the skeleton lacks": (
        lambda text: text.replace("head ", "tail ", 1),
        "'tail.* does not fit",
    ),
    "nothing": (lambda text: "", "there are no frames"),
}


def _first_value(text: str, bone: str, value: str) -> str:
    start = text.index(f"\n{bone} ") + len(bone) + 2
    return text[:start] + value + text[text.index(" ", start) :]


@pytest.mark.parametrize("damage", DAMAGED_AMC)
def test_a_damaged_amc_says_what_is_wrong_and_where(tmp_path, damage):
    spoil, sentence = DAMAGED_AMC[damage]
    path = write_asf_amc(TAKE, tmp_path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(BodyError, match=sentence) as caught:
        load_motion(path)
    assert str(path) in str(caught.value)


DAMAGED_ASF = {
    "no bones": (lambda text: text.replace(":bonedata", ":bones"), "the section ':bonedata' is missing"),
    "no length": (lambda text: text.replace("     length 2\n", "", 1), "bone ltoes does not read: 'length'"),
    "an unknown child": (
        lambda text: text.replace("root lhipjoint", "root tail"),
        "'root tail' does not fit",
    ),
    "radians": (lambda text: text.replace("angle deg", "angle rad"), "angles in radians"),
    "another order": (lambda text: text.replace("order TX", "order RX"), "the root's order is RX TY"),
    "a sliding bone": (
        lambda text: text.replace("dof rx ry rz", "dof rx ry l", 1),
        "does more than turn",
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_ASF)
def test_a_damaged_asf_says_what_is_wrong(tmp_path, damage):
    spoil, sentence = DAMAGED_ASF[damage]
    path = write_asf_amc(TAKE, tmp_path)
    skeleton = tmp_path / "07.asf"
    skeleton.write_text(spoil(skeleton.read_text()))
    with pytest.raises(BodyError, match=sentence) as caught:
        load_motion(path)
    assert str(skeleton) in str(caught.value)


def test_a_skeleton_without_offsets_is_refused(tmp_path):
    path = write_bvh(TAKE, tmp_path / "a.bvh")
    path.write_text(re.sub("OFFSET .*", "OFFSET 0 0 0", path.read_text()))
    with pytest.raises(BodyError, match="hips and head do not lie apart"):
        load_motion(path)


DAMAGED_BVH = {
    "cut in the table": (lambda text: text[:-400], "numbers, but 4 frames of 90 channels are announced"),
    "cut in the hierarchy": (lambda text: text[: text.index("JOINT head") + 30], "'MOTION' are missing"),
    "an open brace": (
        lambda text: text.replace("}", "", 1),
        "does not read after joint 'rfingers'",
    ),
    "a made-up channel": (
        lambda text: text.replace("Zrotation", "W", 1),
        "does not read after joint 'root'",
    ),
    "not a number": (lambda text: text.rstrip().rpartition(" ")[0] + " nan\n", "numbers are not finite"),
    "letters": (lambda text: text.rstrip() + "x\n", "the table after MOTION does not read"),
    "no time": (
        lambda text: text.replace("Frame Time: 0.008333333", "Frame Time: 0"),
        "frames are 0 s apart",
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_BVH)
def test_a_damaged_bvh_says_what_is_wrong(tmp_path, damage):
    spoil, sentence = DAMAGED_BVH[damage]
    path = write_bvh(TAKE, tmp_path / "a.bvh")
    path.write_text(spoil(path.read_text()))
    with pytest.raises(BodyError, match=sentence) as caught:
        load_motion(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["take.bvh", "take.npz"])
def test_a_file_that_is_not_there_says_so(tmp_path, name):
    with pytest.raises(BodyError, match="cannot read the motion: No such file"):
        load_motion(tmp_path / name)


def test_another_format_is_refused_by_name(tmp_path):
    with pytest.raises(BodyError, match=r"'\.fbx' is not a format of motion that can be read"):
        load_motion(tmp_path / "walk.fbx")
