"""Bones that constraints and drivers move, whatever a motion keys on them."""

import re

from ..scene.characters import joint_bones

_DRIVEN = re.compile(r'pose\.bones\["(.+?)"\]\.(location|rotation_\w+|scale)$')


def held_bones(armature) -> list[tuple[str, str]]:
    """``(bone, name of the constraint)`` of all that act on bones which motions key; a driver is "driver"."""
    return [(bone, name) for bone, name, _ in _holding(armature)]


def let_go(armature) -> None:
    """Mute all that holds bones; what is linked from a library stays."""
    for _, _, owner in _holding(armature):
        owner.mute = True


def _holding(armature) -> list[tuple]:
    bones = joint_bones(armature) or []
    keyed = (
        {*bones, *(bone.name for bone in armature.data.bones[bones[0]].parent_recursive)} if bones else set()
    )
    found: list[tuple] = []
    for bone in armature.pose.bones:
        if bone.name in keyed:
            acting = [c for c in bone.constraints if c.enabled and not c.mute and c.influence > 0]
            found += [(bone.name, constraint.name, constraint) for constraint in acting]
    for driver in armature.animation_data.drivers if armature.animation_data else ():
        driven = _DRIVEN.match(driver.data_path)
        if driven and driven[1] in keyed and not driver.mute:
            found.append((driven[1], "driver", driver))
    return found
