"""What belongs to the cast: bodies, rigs, and all that they wear and hold."""

from .characters import find_characters


def belongings(scene) -> list:
    """Those who are generated, with all they wear and hold."""
    people = [character for character in find_characters(scene) if character.included]
    return belongings_of(
        scene, {item for person in people for item in (person.armature, person.mesh) if item is not None}
    )


def belongings_of(scene, owners: set) -> list:
    """Some objects with all that hangs on them or is deformed by them."""
    return [item for item in scene.objects if belongs(item, owners)]


def belongs(item, owners: set) -> bool:
    """Whether an object is one of these, hangs on one of them or is deformed by one."""
    deformers = {
        getattr(modifier, "object", None) for modifier in item.modifiers if modifier.type == "ARMATURE"
    }
    while item is not None:
        if item in owners:
            return True
        item = item.parent
    return bool(deformers & owners)
