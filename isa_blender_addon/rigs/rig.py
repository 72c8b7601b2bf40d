"""SMPL-X rigs in Blender, with the names that the MPI SMPL-X add-on gives to bones, mesh and shape keys.

The rest axes of every bone of our rigs are SMPL-X's own (Y up, Z towards the front), so a joint's local
rotation is the pose bone's rotation and the body's translation is the pelvis bone's location, number for
number. In the armature's space, Z up, a rest joint (x, y, z) sits at (x, −z, y). Rigs that came through other
formats have other axes (``rest_axes``).
"""

from typing import Any

import bpy
import numpy as np

from isa_engine.body import SMPLX_JOINTS, SMPLX_PARENTS, BodyModel, Motion
from isa_engine.body.model.axes import to_world
from isa_engine.body.model.rotation import matrices, quaternions
from isa_engine.errors import SceneError

from ..scene.characters import body_mesh, joint_bones
from ..scene.rest_axes import RestAxes
from ..scene.timeline import fps

MESH_NAME = "SMPLX-mesh-neutral"
# Blender evaluates a shape key no further than its slider goes, and no slider goes further than this.
_SLIDER = 10.0
_BONE_LENGTH = 0.05


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
    armature = _armature(context, name, to_world(body.joints(betas)))
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


def apply_motion(armature, motion: Motion, start_frame: int = 1) -> int:
    """Key a motion on the pose bones, in a new action; the object's own transform is left alone.

    There is a key on every frame of the scene, whatever the motion's own frame rate. Pose-corrective shape
    keys, where the mesh has them, are keyed along. All that the motion stands for is keyed, at rest where it
    says nothing: the bones above the pelvis, and places and scales of joints, or what an earlier action left
    there, or an NLA track still moves, would add to it.

    Args:
        armature: of any character with the 55 joints.
        start_frame: scene frame of the motion's first.

    Returns:
        Scene frame of its last.

    Raises:
        SceneError: the armature has not the 55 joints, is in no scene, is being edited, is another file's, or
            its pelvis cannot travel.
    """
    bones = joint_bones(armature)
    if bones is None or not armature.users_scene:
        problem, remedy = "'{name}' is not an SMPL-X rig", "Choose an armature with the 55 SMPL-X bones."
        raise SceneError(problem, remedy=remedy, name=armature.name)
    if not armature.is_editable:
        remedy = "Override it first: Object ▸ Library Override ▸ Make."
        problem = "'{name}' is linked from a library, where keys would be lost"
        raise SceneError(problem, remedy=remedy, name=armature.name)
    if armature.mode == "EDIT":
        problem, remedy = "'{name}' is in Edit Mode, where nothing moves", "Leave the mode with Tab."
        raise SceneError(problem, remedy=remedy, name=armature.name)
    _let_bones_follow(armature, bones)
    motion = motion.resampled(float(fps(armature.users_scene[0])))
    frames = start_frame + np.arange(len(motion.rotations))

    curves = _Curves(armature, motion.name)
    axes = RestAxes(armature, bones)
    rotations = matrices(motion.rotations)
    first = frames[:1]
    for joint, bone in enumerate(bones):
        curves.key_bone(
            bone, "rotation_quaternion", frames, _steady(quaternions(axes.turn(joint, rotations)))
        )
        curves.key_bone(bone, "scale", first, np.ones((1, 3)))
        if joint:
            curves.key_bone(bone, "location", first, np.zeros((1, 3)))
    curves.key_bone(bones[0], "location", frames, axes.place(motion.translation))
    for bone in armature.data.bones[bones[0]].parent_recursive:
        curves.key_bone(bone.name, "rotation_quaternion", first, np.array([[1.0, 0, 0, 0]]))
        curves.key_bone(bone.name, "location", first, np.zeros((1, 3)))
        curves.key_bone(bone.name, "scale", first, np.ones((1, 3)))

    mesh = body_mesh(armature)
    keys = mesh.data.shape_keys if mesh else None
    if keys and "Pose000" in keys.key_blocks:
        curves = _Curves(keys, motion.name)
        feature = (rotations[:, 1:] - np.eye(3)).reshape(len(frames), -1)
        for index, values in enumerate(feature.T):
            curves.key(f'key_blocks["Pose{index:03}"].value', "Pose", frames, values[:, None])
    return int(frames[-1])


def _let_bones_follow(armature, bones: list[str]) -> None:
    """Undo what lets bones stay behind whatever is keyed.

    Raises:
        SceneError: the pelvis is fixed to the bone above it.
    """
    rig = armature.data
    if rig.bones[bones[0]].use_connect:
        raise SceneError(
            "bone '{bone}' is connected to its parent and cannot travel",
            where="'{name}'",
            remedy="In Edit Mode, turn its Connected off (Bone ▸ Relations).",
            bone=bones[0],
            name=armature.name,
        )
    if rig.is_editable:
        rig.pose_position = "POSE"
        for bone in bones:
            rig.bones[bone].use_inherit_rotation = True


def put_on_ground(armature) -> None:
    """Move a character up or down until its lowest point, as posed now, is at the world's height zero."""
    armature.location.z -= _lowest(armature)


def stand(armature) -> None:
    """Stand a fresh character of ``add_character``, at the world's origin, with its soles on the origin.

    The pelvis is lifted and not the object: motions have heights of their own, which would add to its.
    """
    armature.pose.bones["pelvis"].location.y = -_lowest(armature)


def _lowest(armature) -> float:
    """Height of the lowest point of the body as it is posed now, in the world."""
    bpy.context.view_layer.update()
    mesh = body_mesh(armature).evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.empty(3 * len(mesh.data.vertices), np.float32)
    mesh.data.vertices.foreach_get("co", points)
    heights = points.reshape(-1, 3) @ np.array(mesh.matrix_world)[2, :3] + mesh.matrix_world[2][3]
    return float(heights.min())


def _steady(quaternions: np.ndarray) -> np.ndarray:
    """Of a rotation's two quaternions the one nearer to the frame before: ``(F, 4)``."""
    flips = np.where((quaternions[1:] * quaternions[:-1]).sum(-1) < 0, -1.0, 1.0)
    return quaternions * np.cumprod([1.0, *flips])[:, None]


class _Curves:
    """F-curves of a new action on a data-block, written whole: 30 times faster than key by key."""

    def __init__(self, owner, name: str):
        self.owner = owner
        animation = owner.animation_data or owner.animation_data_create()
        # While a strip is tweaked Blender takes no other action, and beside a solo track it plays none.
        animation.use_tweak_mode = False
        for track in animation.nla_tracks:
            track.is_solo = False
        # Else it is added to the strips below, or by halves.
        animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
        action = bpy.data.actions.new(name)
        animation.action = action
        self.channels: Any = action
        if bpy.app.version >= (4, 4):
            slot = action.slots.new(owner.id_type, owner.name)
            strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
            self.channels = strip.channelbag(slot, ensure=True)
            animation.action_slot = slot

    def key_bone(self, bone: str, channel: str, frames: np.ndarray, values: np.ndarray) -> None:
        """``key`` of a pose bone's channel."""
        self.owner.pose.bones[bone].rotation_mode = "QUATERNION"
        self.key(f'pose.bones["{bone}"].{channel}', bone, frames, values)

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
    mesh.from_pydata(to_world(body.v_template), [], body.faces)
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
            shape = to_world(body.v_template + offsets[..., index])
            key.data.foreach_set("co", shape.astype(np.float32).ravel())
    for index, beta in enumerate(betas):
        mesh.shape_keys.key_blocks[f"Shape{index:03}"].value = beta
    return item
