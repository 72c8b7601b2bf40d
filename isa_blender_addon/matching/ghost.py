"""The ghost: a copy of a character that stands as its reference picture shows, before a camera that took it.

A ghost shares the character's mesh and armature data, so it has the same surface points. Ghosts live in the
collection "ISA References", which no render shows, far below the set.
"""

import bpy
import numpy as np
from mathutils import Matrix

from isa_engine.body.fitting.keypoints import BODY_JOINTS
from isa_engine.errors import SceneError

from ..scene.characters import body_mesh, joint_bones
from ..scene.picture import picture_size, same_picture
from ..scene.timeline import render_size
from ..settings.cast import has_ghost
from .pose import pose_ghost, remember_made, stand_at_rest

COLLECTION = "ISA References"
# Millimetres, on a sensor as wide as film: what photographs of people are often taken with.
_LENS = 50.0
_APART, _BELOW, _BEFORE = 20.0, -100.0, 4.0


def make_ghost(scene, member) -> None:
    """Give a member of the cast a ghost at rest, and its camera with the picture; one that it has stays,
    before the picture that the member has now.

    Raises:
        SceneError: the character has no armature to be posed by, or its picture cannot be read.
    """
    if picture_size(member.picture) is None:
        raise SceneError(
            "the picture is missing, or none",
            where="reference picture of '{name}'",
            remedy="Choose another in the cast.",
            name=member.character.name_full,
        )
    if has_ghost(scene, member):
        if not is_of_picture(member):
            _put_behind(member)
        return
    character = member.character
    mesh = body_mesh(character) if character.type == "ARMATURE" else None
    if mesh is None:
        problem = "'{name}' has no armature to be posed by"
        remedy = "Let its picture show a frame of the scene instead."
        raise SceneError(problem, remedy=remedy, name=character.name_full)
    collection = _collection(scene)
    ghost, skin = character.copy(), mesh.copy()
    for item, name in ((ghost, f"{character.name} reference"), (skin, f"{character.name} reference skin")):
        item.name = name
        item.constraints.clear()
        item.parent = None
        item.delta_location, item.delta_scale = (0, 0, 0), (1, 1, 1)
        item.delta_rotation_euler, item.delta_rotation_quaternion = (0, 0, 0), (1, 0, 0, 0)
        collection.objects.link(item)
    skin.animation_data_clear()
    skin.parent = ghost
    skin.matrix_parent_inverse, skin.matrix_basis = (
        Matrix(),
        character.matrix_world.inverted() @ mesh.matrix_world,
    )
    for modifier in skin.modifiers:
        if modifier.type == "ARMATURE" and modifier.object == character:
            modifier.object = ghost
    member.ghost, member.ghost_camera = ghost, _camera(scene, collection, member)
    if joint_bones(ghost):
        _free(ghost)
        pose_ghost(member, np.zeros((BODY_JOINTS, 3)), np.array([0.0, 0.0, -_BEFORE]))
    else:
        _keep_controls(ghost)
        ghost.matrix_basis = character.matrix_world
        stand_at_rest(member, skin, _BEFORE)
    remember_made(ghost)


def make_ghost_to_fit(scene, member) -> None:
    """``make_ghost`` for a pose that is to be fitted to the picture.

    Raises:
        SceneError: as ``make_ghost``; or how the bones of its rig turn only the artist knows.
    """
    make_ghost(scene, member)
    if joint_bones(member.ghost) is None:
        problem = "'{name}' has not the 55 SMPL-X bones, so no pose can be fitted"
        remedy = "Pose its stand-in by hand, in Pose Mode."
        raise SceneError(problem, remedy=remedy, name=member.character.name_full)


def _free(ghost) -> None:
    """Nothing but its own pose moves the bones of a ghost, which are posed one by one."""
    ghost.animation_data_clear()
    for bone in ghost.pose.bones:
        for constraint in list(bone.constraints):
            bone.constraints.remove(constraint)


def _keep_controls(ghost) -> None:
    """The artist poses a ghost of this kind as its character: by controls that constraints and drivers read.

    Blender has pointed what acted by the character's own bones at the copy's. What acts by other objects
    would pull the ghost to where the character is.
    """
    if animation := ghost.animation_data:
        animation.action = None
        for track in list(animation.nla_tracks):
            animation.nla_tracks.remove(track)
        for driver in list(animation.drivers):
            if not driver.data_path.startswith(("pose.", "[")):
                animation.drivers.remove(driver)
    for bone in ghost.pose.bones:
        for constraint in list(bone.constraints):
            if getattr(constraint, "target", None) not in (ghost, None):
                bone.constraints.remove(constraint)


def is_of_picture(member) -> bool:
    """Whether a member's ghost stands before the picture that the member has now."""
    images = [behind.image for behind in member.ghost_camera.data.background_images if behind.image]
    shown = [bpy.path.abspath(image.filepath, library=image.library) for image in images]
    return not shown or any(same_picture(path, member.picture) for path in shown)


def fit_camera_to_picture(scene, member) -> None:
    """Have the camera's frame show the picture whole, behind the ghost, in a render of any shape."""
    size = picture_size(member.picture)
    width, height = render_size(scene)
    shape = width * scene.render.pixel_aspect_x / (height * scene.render.pixel_aspect_y)
    # The side of the picture that fills the frame is the one that the lens is measured by.
    member.ghost_camera.data.sensor_fit = "VERTICAL" if size[0] / size[1] <= shape else "HORIZONTAL"


def _camera(scene, collection, member):
    name = f"{member.character.name} reference camera"
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    camera.location = _APART * len(collection.objects), 0, _BELOW
    camera.rotation_euler = np.pi / 2, 0, 0
    camera.data.lens, camera.data.sensor_width, camera.data.sensor_height = _LENS, 36.0, 36.0
    camera.data.show_background_images = True
    collection.objects.link(camera)
    member.ghost_camera = camera
    _put_behind(member)
    fit_camera_to_picture(scene, member)
    return camera


def _put_behind(member) -> None:
    """Show a member's picture behind its ghost."""
    pictures = member.ghost_camera.data.background_images
    pictures.clear()
    behind = pictures.new()
    behind.image = bpy.data.images.load(bpy.path.abspath(member.picture), check_existing=True)
    behind.frame_method, behind.alpha = "FIT", 1.0


def _collection(scene):
    collection = next((c for c in scene.collection.children if c.name.startswith(COLLECTION)), None)
    if collection is None:
        collection = bpy.data.collections.new(COLLECTION)
        scene.collection.children.link(collection)
        collection.hide_render = True
    return collection
