"""The ghost: a copy of a character that stands as its reference picture shows, before a camera that took it.

A ghost shares the character's mesh and armature data, so it has the same surface points. Ghosts live in the
collection "ISA References", which no render shows, far below the set.
"""

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from isa_engine.body import SMPLX_JOINTS
from isa_engine.body.axes import TO_WORLD
from isa_engine.body.fitting import Fit
from isa_engine.body.keypoints import BODY_JOINTS, HEAD, KEYPOINTS, face_points
from isa_engine.body.rotation import matrices, quaternions
from isa_engine.errors import SceneError
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project, to_pixels

from ..scene.camera import camera_to_world, intrinsics
from ..scene.characters import body_mesh, joint_bones
from ..scene.picture import picture_size
from ..scene.rig import metres_a_unit
from ..scene.timeline import render_size, view_layer
from ..settings.cast import has_ghost
from .marks import error

COLLECTION = "ISA References"
# Millimetres, on a sensor as wide as film: what photographs of people are often taken with.
_LENS = 50.0
_APART, _BELOW, _BEFORE = 20.0, -100.0, 4.0
# SMPL-X's axes (Y up, facing +Z) in Blender's, and the camera's view (-Z ahead) in the world's.
_TO_BLENDER = Matrix(TO_WORLD.tolist()).to_4x4()
_ENDS = [SMPLX_JOINTS.index(name) for name in KEYPOINTS[5:]]


def make_ghost(scene, member) -> None:
    """Give a member of the cast a ghost at rest, and its camera with the picture; one that it has stays.

    Raises:
        SceneError: the character is no SMPL-X rig, or its picture cannot be read.
    """
    size = picture_size(member.picture)
    if size is None:
        raise SceneError(
            "it is missing or not a picture",
            where="reference picture of '{name}'",
            remedy="Choose another in the cast.",
            name=member.character.name_full,
        )
    if has_ghost(scene, member):
        return
    character = member.character
    mesh = body_mesh(character) if character.type == "ARMATURE" else None
    if mesh is None or joint_bones(character) is None:
        problem = "'{name}' has not the 55 SMPL-X bones"
        remedy = "Let its picture show a frame of the scene instead."
        raise SceneError(problem, remedy=remedy, name=character.name_full)
    collection = _collection(scene)
    ghost, skin = character.copy(), mesh.copy()
    for item, name in ((ghost, f"{character.name} reference"), (skin, f"{character.name} reference skin")):
        item.name = name
        item.animation_data_clear()
        item.constraints.clear()
        item.parent = None
        item.delta_location, item.delta_scale = (0, 0, 0), (1, 1, 1)
        item.delta_rotation_euler, item.delta_rotation_quaternion = (0, 0, 0), (1, 0, 0, 0)
        collection.objects.link(item)
    skin.parent = ghost
    skin.matrix_parent_inverse, skin.matrix_basis = (
        Matrix(),
        character.matrix_world.inverted() @ mesh.matrix_world,
    )
    for modifier in skin.modifiers:
        if modifier.type == "ARMATURE" and modifier.object == character:
            modifier.object = ghost
    member.ghost, member.ghost_camera = ghost, _camera(scene, collection, member, size)
    pose_ghost(member, np.zeros((BODY_JOINTS, 3)), np.array([0.0, 0.0, -_BEFORE]))


def take_fit(member, fit: Fit) -> None:
    """Pose a ghost as fitted."""
    rest = rest_joints(member.ghost)
    pose_ghost(member, fit.rotations[:BODY_JOINTS], fit.translation + rest[0])


def pose_ghost(member, rotations: np.ndarray, place: np.ndarray) -> None:
    """Set the whole pose.

    Args:
        rotations: ``(22, 3)`` axis-angle; the first turns the object, so that the artist can move it as one.
        place: ``(3,)`` of the pelvis before the camera, metres, the camera looking along −Z.
    """
    ghost, rest = member.ghost, rest_joints(member.ghost)
    turn = matrices(rotations[0])
    body = np.eye(4)
    body[:3, :3], body[:3, 3] = turn, place - turn @ rest[0]
    stage = member.ghost_camera.matrix_basis @ _TO_BLENDER.inverted()
    ghost.matrix_basis = stage @ _TO_BLENDER @ Matrix(body.tolist()) @ _local_to_smplx(ghost)
    for bone in ghost.pose.bones:
        bone.matrix_basis = Matrix()
    for bone, quaternion in zip(
        joint_bones(ghost)[1:BODY_JOINTS], quaternions(matrices(rotations[1:])), strict=True
    ):
        ghost.pose.bones[bone].rotation_mode = "QUATERNION"
        ghost.pose.bones[bone].rotation_quaternion = Quaternion(quaternion)


def rest_joints(armature) -> np.ndarray:
    """Joints at rest in SMPL-X's space, ``(55, 3)`` metres."""
    matrix = np.array(_local_to_smplx(armature))
    heads = np.array([armature.data.bones[bone].head_local for bone in joint_bones(armature)])
    return heads @ matrix[:3, :3].T


def picture_intrinsics(scene, member) -> np.ndarray:
    """Of the ghost's camera onto the whole picture, ``(4,)`` (``isa_engine.geometry.camera``)."""
    return np.array(intrinsics(_evaluated(scene, member.ghost_camera), scene, picture_size(member.picture)))


def picture_matrix(scene, member) -> np.ndarray:
    """World to the picture's NDC, ``(4, 4)``."""
    camera = _evaluated(scene, member.ghost_camera)
    return modelview_projection(picture_intrinsics(scene, member), camera_to_world(camera))


def ghost_places(scene, member) -> np.ndarray:
    """Where the ghost's keypoints are in its picture: ``(17, 2)`` in [0, 1], y down."""
    ghost = _evaluated(scene, member.ghost)
    names = joint_bones(ghost)
    head = ghost.pose.bones[names[HEAD]]
    face = face_points(rest_joints(member.ghost))
    rest = _local_to_smplx(member.ghost).inverted()
    carried = ghost.matrix_world @ head.matrix @ head.bone.matrix_local.inverted() @ rest
    points = [carried @ Matrix.Translation(point).translation for point in face.tolist()]
    points += [ghost.matrix_world @ ghost.pose.bones[names[joint]].head for joint in _ENDS]
    return to_picture(np.array([point[:] for point in points]), picture_matrix(scene, member))


def match_error(scene, member) -> float | None:
    """Pixels between the marks and the ghost's joints; None where nothing is marked."""
    size = picture_size(member.picture)
    return error(member.marks * size, ghost_places(scene, member) * size)


def to_picture(points: np.ndarray, mvp: np.ndarray) -> np.ndarray:
    """World points ``(N, 3)`` to places in a picture, ``(N, 2)`` in [0, 1] with y down."""
    ndc, _ = project(points, mvp)
    return to_pixels(ndc, (1, 1))


def fit_camera_to_picture(scene, member) -> None:
    """Have the camera's frame show the picture whole, behind the ghost, in a render of any shape."""
    size = picture_size(member.picture)
    width, height = render_size(scene)
    shape = width * scene.render.pixel_aspect_x / (height * scene.render.pixel_aspect_y)
    # The side of the picture that fills the frame is the one that the lens is measured by.
    member.ghost_camera.data.sensor_fit = "VERTICAL" if size[0] / size[1] <= shape else "HORIZONTAL"


def _camera(scene, collection, member, size: tuple[int, int]):
    name = f"{member.character.name} reference camera"
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    camera.location = _APART * len(collection.objects), 0, _BELOW
    camera.rotation_euler = np.pi / 2, 0, 0
    camera.data.lens, camera.data.sensor_width, camera.data.sensor_height = _LENS, 36.0, 36.0
    camera.data.show_background_images = True
    behind = camera.data.background_images.new()
    behind.image = bpy.data.images.load(bpy.path.abspath(member.picture), check_existing=True)
    behind.frame_method, behind.alpha = "FIT", 1.0
    collection.objects.link(camera)
    member.ghost_camera = camera
    fit_camera_to_picture(scene, member)
    return camera


def _collection(scene):
    collection = next((c for c in scene.collection.children if c.name.startswith(COLLECTION)), None)
    if collection is None:
        collection = bpy.data.collections.new(COLLECTION)
        scene.collection.children.link(collection)
        collection.hide_render = True
    return collection


def _local_to_smplx(armature) -> Matrix:
    """From the armature's own space, Z or Y up and of any unit, to SMPL-X's in metres."""
    bones, names = armature.data.bones, joint_bones(armature)
    up = bones[names[HEAD]].head_local - bones[names[0]].head_local
    axes = _TO_BLENDER.inverted() if abs(up.z) > abs(up.y) else Matrix()
    return Matrix.Scale(metres_a_unit(up.length), 4) @ axes


def _evaluated(scene, item):
    return item.evaluated_get(view_layer(scene).depsgraph)
