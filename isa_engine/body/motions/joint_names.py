"""What other skeletons call SMPL-X's joints.

One table a naming scheme. A name may hold ``{Side}`` (Left, Right), ``{S}`` (L, R) or ``{s}`` (l, r) for its
two sides. Capitals are ignored, and so is a namespace in front, such as ``mixamorig:`` or SMPL's ``m_avg_``.
"""

import re
from collections.abc import Sequence

from isa_engine.errors import BodyError

_LIMBS = {
    "pelvis": "Hips",
    "hip": "{Side}UpLeg",
    "knee": "{Side}Leg",
    "ankle": "{Side}Foot",
    "foot": "{Side}ToeBase",
    "neck": "Neck",
    "head": "Head",
    "collar": "{Side}Shoulder",
    "shoulder": "{Side}Arm",
    "elbow": "{Side}ForeArm",
    "wrist": "{Side}Hand",
}
_FINGERS = {
    f"{finger.lower()}{k}": f"{{Side}}Hand{finger}{k}"
    for finger in ("Index", "Middle", "Pinky", "Ring", "Thumb")
    for k in (1, 2, 3)
}
SCHEMES: dict[str, dict[str, str]] = {
    "Mixamo": {**_LIMBS, "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", **_FINGERS},
    "LaFAN1": {**_LIMBS, "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "foot": "{Side}Toe"},
    "Rokoko": {
        **_LIMBS,
        "spine1": "Spine1",
        "spine2": "Spine2",
        "spine3": "Spine4",
        "hip": "{Side}Thigh",
        "knee": "{Side}Shin",
        "foot": "{Side}Toe",
    },
    "Bandai Namco": {
        "pelvis": "Hips",
        "hip": "UpperLeg_{S}",
        "knee": "LowerLeg_{S}",
        "ankle": "Foot_{S}",
        "foot": "Toes_{S}",
        "spine1": "Spine",
        "spine3": "Chest",
        "neck": "Neck",
        "head": "Head",
        "collar": "Shoulder_{S}",
        "shoulder": "UpperArm_{S}",
        "elbow": "LowerArm_{S}",
        "wrist": "Hand_{S}",
    },
    "Unreal": {
        "pelvis": "pelvis",
        "hip": "thigh_{s}",
        "knee": "calf_{s}",
        "ankle": "foot_{s}",
        "foot": "ball_{s}",
        "spine1": "spine_01",
        "spine2": "spine_02",
        "spine3": "spine_03",
        "neck": "neck_01",
        "head": "head",
        "collar": "clavicle_{s}",
        "shoulder": "upperarm_{s}",
        "elbow": "lowerarm_{s}",
        "wrist": "hand_{s}",
        "middle1": "middle_01_{s}",
    },
    "SMPL": {
        "pelvis": "Pelvis",
        "hip": "{S}_Hip",
        "knee": "{S}_Knee",
        "ankle": "{S}_Ankle",
        "foot": "{S}_Foot",
        "spine1": "Spine1",
        "spine2": "Spine2",
        "spine3": "Spine3",
        "neck": "Neck",
        "head": "Head",
        "collar": "{S}_Collar",
        "shoulder": "{S}_Shoulder",
        "elbow": "{S}_Elbow",
        "wrist": "{S}_Wrist",
    },
    "SMPL-H": {
        **{joint: joint for joint in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")},
        **{
            joint: f"{{Side}}_{joint}"
            for joint in ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
        },
        **{joint: f"{{Side}}_{joint}" for joint in _FINGERS},
    },
    "Rigify": {
        "pelvis": "DEF-spine",
        "hip": "DEF-thigh.{S}",
        "knee": "DEF-shin.{S}",
        "ankle": "DEF-foot.{S}",
        "foot": "DEF-toe.{S}",
        "spine1": "DEF-spine.001",
        "spine2": "DEF-spine.002",
        "spine3": "DEF-spine.003",
        "neck": "DEF-spine.004",
        "head": "DEF-spine.006",
        "collar": "DEF-shoulder.{S}",
        "shoulder": "DEF-upper_arm.{S}",
        "elbow": "DEF-forearm.{S}",
        "wrist": "DEF-hand.{S}",
    },
    "MotionBuilder": {**_LIMBS, "spine1": "Spine", "spine3": "Spine1", **_FINGERS},
    "CMU for MotionBuilder": {
        **_LIMBS,
        "spine1": "LowerBack",
        "spine2": "Spine",
        "spine3": "Spine1",
        "neck": "Neck1",
        "middle1": "{Side}FingerBase",
    },
    "CMU, BVH": {
        "pelvis": "Hips",
        "hip": "{Side}Hip",
        "knee": "{Side}Knee",
        "ankle": "{Side}Ankle",
        "foot": "{Side}Toe",
        "spine1": "lowerback",
        "spine2": "Chest",
        "spine3": "Chest2",
        "neck": "Neck",
        "head": "Head",
        "collar": "{Side}Collar",
        "shoulder": "{Side}Shoulder",
        "elbow": "{Side}Elbow",
        "wrist": "{Side}Wrist",
        "middle1": "{S}Fingers",
    },
    "CMU, ASF": {
        "pelvis": "root",
        "hip": "{s}femur",
        "knee": "{s}tibia",
        "ankle": "{s}foot",
        "foot": "{s}toes",
        "spine1": "lowerback",
        "spine2": "upperback",
        "spine3": "thorax",
        "neck": "upperneck",
        "head": "head",
        "collar": "{s}clavicle",
        "shoulder": "{s}humerus",
        "elbow": "{s}radius",
        "wrist": "{s}hand",
        "middle1": "{s}fingers",
    },
}
_NAMESPACE = re.compile(r"(.*:)?([fm]_avg_)?")
_ON_THE_AXIS = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
# A file without one of these is refused; the other joints may be missing.
_NEEDED = ("pelvis", "hip", "knee", "ankle", "spine3", "head", "shoulder", "elbow", "wrist")


def counterparts(names: Sequence[str], where: str) -> dict[str, int]:
    """Which joint of a file stands for which of SMPL-X.

    Args:
        names: of the file's joints.
        where: the file, for the error.

    Returns:
        SMPL-X joint name → index into ``names``.

    Raises:
        BodyError: no scheme has all the joints that are needed; names those missing from the nearest.
    """
    index = {_NAMESPACE.sub("", name.lower(), count=1): j for j, name in enumerate(names)}
    found, missing = {}, {}
    for scheme, table in SCHEMES.items():
        theirs = dict(_both_sides(table))
        found[scheme] = {ours: index[name.lower()] for ours, name in theirs.items() if name.lower() in index}
        needed = dict(_both_sides({joint: table[joint] for joint in _NEEDED}))
        missing[scheme] = [name for name in needed.values() if name.lower() not in index]
    scheme = min(SCHEMES, key=lambda scheme: (len(missing[scheme]), -len(found[scheme])))
    if missing[scheme]:
        absent = ", ".join(missing[scheme])
        problem = f"by the names of {scheme}, the nearest known skeleton, joints are missing: {absent}"
        raise BodyError(problem, where=where, remedy=f"Rename the joints. Known are {'; '.join(SCHEMES)}.")
    return found[scheme]


def _both_sides(table: dict[str, str]):
    for joint, name in table.items():
        if joint in _ON_THE_AXIS:
            yield joint, name
            continue
        for side in ("left", "right"):
            yield f"{side}_{joint}", name.format(Side=side.capitalize(), S=side[0].upper(), s=side[0])
