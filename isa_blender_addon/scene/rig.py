"""SMPL-X rigs in Blender, with the names that the MPI SMPL-X add-on gives to bones, mesh and shape keys.

Every bone's rest axes are SMPL-X's own (Y up, Z towards the front), so a joint's local rotation is the pose
bone's rotation and the body's translation is the pelvis bone's location, number for number. In the
armature's space, Z up, a rest joint (x, y, z) sits at (x, −z, y).
"""

from typing import Any

import bpy
import numpy as np

from isa_engine.body import SMPLX_JOINTS, SMPLX_PARENTS, BodyModel, Motion
from isa_engine.body.rotation import matrices, quaternions
from isa_engine.errors import SceneError

from .characters import body_mesh, joint_bones
from .timeline import fps

MESH_NAME = "SMPLX-mesh-neutral"
# Blender evaluates a shape key no further than its slider goes, and no slider goes further than this.
_SLIDER = 10.0
_BONE_LENGTH = 0.05
# An SMPL-X pelvis-to-head distance is about 0.6 m; in a rig of centimetres it is about 60.
_CENTIMETRES_BEYOND = 10.0


def to_blender(points: np.ndarray) -> np.ndarray:
    """SMPL-X space (Y up) to Blender's (Z up): (x, y, z) → (x, −z, y)."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], -1)


def add_character(context, body: BodyModel, name: str, collection=None, betas=()):
    """Build a character at rest at the world's origin; it becomes the active, only selected object.

    Args:
        body: of any SMPL-X layout.
        name: of the armature object.
        collection: where the objects go; the context's by default.
        betas: shape, at most as many as the body has; the bones are placed for it.

    Returns:
        The armature object, parent of the mesh object ``SMPLX-mesh-neutral``.

    Raises:
        SceneError: Blender is not in object mode.
        BodyError: more betas than the body has.
    """
    if context.mode != "OBJECT":
        raise SceneError("a character can only be added in object mode", remedy="Leave the mode with Tab.")
    collection = collection or context.collection
    armature = _armature(context, name, to_blender(body.joints(betas)))
    mesh = _mesh(body, betas)
    mesh.parent = armature
    mesh.modifiers.new("Armature", "ARMATURE").object = armature
    for item in (armature, mesh):
        collection.objects.link(item)
    context.view_layer.update()
    for item in context.selected_objects:
        item.select_set(False)
    if armature.name in context.view_layer.objects:
        armature.select_set(True)
        context.view_layer.objects.active = armature
    return armature


def apply_motion(armature, motion: Motion, start_frame: int = 1) -> None:
    """Key a motion on the pose bones, in a new action; the object's own transform is left alone.

    There is a key on every frame of the scene, whatever the motion's own frame rate. Pose-corrective shape
    keys, where the mesh has them, are keyed along.

    Args:
        armature: of any character with the 55 joints.
        start_frame: scene frame of the motion's first.

    Raises:
        SceneError: the armature has not the 55 joints, is in no scene, or is another file's.
    """
    bones = joint_bones(armature)
    if bones is None or not armature.users_scene:
        problem, remedy = "'{name}' is not an SMPL-X rig", "Choose an armature with the 55 SMPL-X bones."
        raise SceneError(problem, remedy=remedy, name=armature.name)
    if not armature.is_editable:
        remedy = "Override it first: Object ▸ Library Override ▸ Make."
        problem = "'{name}' is linked from a library, where keys would be lost"
        raise SceneError(problem, remedy=remedy, name=armature.name)
    motion = motion.resampled(float(fps(armature.users_scene[0])))
    frames = start_frame + np.arange(len(motion.rotations))

    curves = _Curves(armature, motion.name)
    rotations = matrices(motion.rotations)
    for joint, bone in enumerate(bones):
        armature.pose.bones[bone].rotation_mode = "QUATERNION"
        path = f'pose.bones["{bone}"].rotation_quaternion'
        curves.key(path, bone, frames, _steady(quaternions(rotations[:, joint])))
    rest = armature.data.bones
    span = (rest[bones[15]].head_local - rest[bones[0]].head_local).length
    unit = 0.01 if span > _CENTIMETRES_BEYOND else 1.0
    curves.key(f'pose.bones["{bones[0]}"].location', bones[0], frames, motion.translation / unit)

    mesh = body_mesh(armature)
    keys = mesh.data.shape_keys if mesh else None
    if keys and "Pose000" in keys.key_blocks:
        curves = _Curves(keys, motion.name)
        feature = (rotations[:, 1:] - np.eye(3)).reshape(len(frames), -1)
        for index, values in enumerate(feature.T):
            curves.key(f'key_blocks["Pose{index:03}"].value', "Pose", frames, values[:, None])


def put_on_ground(armature) -> None:
    """Move a character up or down until its lowest point, as posed now, is at the world's height zero."""
    bpy.context.view_layer.update()
    mesh = body_mesh(armature).evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.empty(3 * len(mesh.data.vertices), np.float32)
    mesh.data.vertices.foreach_get("co", points)
    height = points.reshape(-1, 3) @ np.array(mesh.matrix_world)[2, :3] + mesh.matrix_world[2][3]
    armature.location.z -= float(height.min())


def _steady(quaternions: np.ndarray) -> np.ndarray:
    """Of a rotation's two quaternions the one nearer to the frame before: ``(F, 4)``."""
    flips = np.where((quaternions[1:] * quaternions[:-1]).sum(-1) < 0, -1.0, 1.0)
    return quaternions * np.cumprod([1.0, *flips])[:, None]


class _Curves:
    """F-curves of a new action on a data-block, written whole: 30 times faster than key by key."""

    def __init__(self, owner, name: str):
        animation = owner.animation_data or owner.animation_data_create()
        action = bpy.data.actions.new(name)
        animation.action = action
        self.channels: Any = action
        if bpy.app.version >= (4, 4):
            slot = action.slots.new(owner.id_type, owner.name)
            strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
            self.channels = strip.channelbag(slot, ensure=True)
            animation.action_slot = slot

    def key(self, path: str, group: str, frames: np.ndarray, values: np.ndarray) -> None:
        """Linear keys of a property: ``frames (F,)``, ``values (F, components)``."""
        groups = self.channels.groups
        channel_group = groups.get(group) or groups.new(group)
        interpolation: Any = bpy.types.Keyframe.bl_rna.properties["interpolation"]
        linear = interpolation.enum_items["LINEAR"].value
        for index, component in enumerate(values.T):
            curve = self.channels.fcurves.new(path, index=index)
            curve.group = channel_group
            points = curve.keyframe_points
            points.add(len(frames))
            points.foreach_set("co", np.stack([frames, component], -1).astype(np.float32).ravel())
            points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
            curve.update()


def _armature(context, name: str, joints: np.ndarray):
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    armature.show_in_front = True
    armature.data.display_type = "STICK"
    # Bones are made in edit mode, which an object enters only in the view layer.
    context.scene.collection.objects.link(armature)
    context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for bone, head, parent in zip(
        ("root", *SMPLX_JOINTS),
        (np.zeros(3), *joints),
        (None, *("root" if p < 0 else SMPLX_JOINTS[p] for p in SMPLX_PARENTS)),
        strict=True,
    ):
        edit = bones.new(bone)
        # Pointing up with no roll: SMPL-X's axes.
        edit.head, edit.tail = head, head + np.array([0, 0, _BONE_LENGTH])
        edit.parent = bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    context.scene.collection.objects.unlink(armature)
    return armature


def _mesh(body: BodyModel, betas):
    mesh = bpy.data.meshes.new(MESH_NAME)
    mesh.from_pydata(to_blender(body.v_template), [], body.faces)
    mesh.shade_smooth()
    if len(body.uv):
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", body.uv[body.uv_faces].astype(np.float32).ravel())
    item = bpy.data.objects.new(MESH_NAME, mesh)
    item["smplx_gender"], item["smplx_version"] = "neutral", "1.1"

    groups = [item.vertex_groups.new(name=joint) for joint in SMPLX_JOINTS]
    for group, weights in zip(groups, body.weights.T, strict=True):
        for vertex in np.flatnonzero(weights).tolist():
            group.add([vertex], float(weights[vertex]), "REPLACE")

    item.shape_key_add(name="Basis", from_mix=False)
    directions = {"Shape": body.shapedirs, "Exp": body.exprdirs}
    if body.posedirs.shape[-1]:
        directions["Pose"] = body.posedirs
    for prefix, offsets in directions.items():
        for index in range(offsets.shape[-1]):
            key = item.shape_key_add(name=f"{prefix}{index:03}", from_mix=False)
            key.slider_min, key.slider_max = -_SLIDER, _SLIDER
            key.value = 0  # new keys of Blender 5.2 begin at 1
            shape = to_blender(body.v_template + offsets[..., index])
            key.data.foreach_set("co", shape.astype(np.float32).ravel())
    for index, beta in enumerate(betas):
        mesh.shape_keys.key_blocks[f"Shape{index:03}"].value = beta
    return item
