"""Collection instances, made objects that Blender poses one by one."""

from mathutils import Matrix


def make_real(empty) -> None:
    """Put copies of an instance's objects where it shows them, and let it show them no more.

    Blender's *Make Instances Real* drops animation and constraints, and so the pose; these copies keep both,
    and share the objects' data and actions.
    """
    collection, offset = empty.instance_collection, empty.instance_collection.instance_offset
    copies = {item: item.copy() for item in collection.all_objects}
    for original, copy in copies.items():
        for place in empty.users_collection:
            place.objects.link(copy)
        if original.parent in copies:
            copy.parent = copies[original.parent]
        elif original.parent is None:
            copy.parent, copy.matrix_parent_inverse = empty, Matrix.Translation(-offset)
        for owner in (*copy.modifiers, *copy.constraints):
            _point_at_copies(owner, copies)
    empty.instance_type = "NONE"


def _point_at_copies(owner, copies: dict) -> None:
    """Let a modifier or constraint act by the copies of the objects that it acted by."""
    for name, kind in owner.bl_rna.properties.items():
        if kind.type == "POINTER" and not kind.is_readonly and getattr(owner, name) in copies:
            setattr(owner, name, copies[getattr(owner, name)])
