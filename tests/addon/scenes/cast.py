"""Scenes with a cast: rigs in the manners of other add-ons, a camera, a motion."""

import bpy
import numpy as np
from mathutils import Matrix

from isa_blender_addon.rigs.rig import add_character, apply_motion
from isa_engine.body import Motion

from .small_body import small_body

_EYES = ("left_eye_smplhf", "left_eye"), ("right_eye_smplhf", "right_eye")
_CENTIMETRES_Y_UP = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1))) @ Matrix.Scale(100, 4)


def random_motion(frames=6, fps=24.0, seed=0) -> Motion:
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.15, (frames, 55, 3)) + random.normal(0, 0.4, (55, 3))
    travel = np.linspace(0, 1, frames)[:, None] * [0.3, 0.05, 0.6]
    return Motion("random", fps, steps, travel, np.zeros(2), "neutral")


def add_person(name="Anna", motion=None, body=None):
    """Our own rig in the scene of the context, moving."""
    armature = add_character(bpy.context, body or small_body(), name)
    apply_motion(armature, motion or random_motion())
    return armature


def make_mpi(armature):
    """As an older MPI file has it: no custom properties, the mesh in its .001 name."""
    mesh = armature.children[0]
    for name in ("smplx_gender", "smplx_version"):
        del mesh[name]
    mesh.name = mesh.data.name = "SMPLX-mesh-female.001"
    return armature


def make_meshcapade(armature):
    """Eyes in their plain names; data in centimetres with Y up, under an object transform that undoes it."""
    mesh = armature.children[0]
    for name in ("smplx_gender", "smplx_version"):
        del mesh[name]
    mesh.name = mesh.data.name = "avatar"
    # Blender renames the curves and vertex groups along with a bone.
    for ours, theirs in _EYES:
        armature.data.bones[ours].name = theirs
    armature.data.transform(_CENTIMETRES_Y_UP)
    mesh.data.transform(_CENTIMETRES_Y_UP, shape_keys=True)
    armature.matrix_world = armature.matrix_world @ _CENTIMETRES_Y_UP.inverted()
    return armature


def add_camera(scene, place=(0.0, -6.0, 0.0)):
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = place, (np.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def stage(scene, frames=6):
    """One moving person under a camera that moves too."""
    armature, camera = add_person(), add_camera(scene)
    camera.keyframe_insert("location", frame=1)
    camera.location.x += 1
    camera.keyframe_insert("location", frame=frames)
    scene.frame_start, scene.frame_end = 1, frames
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    scene.frame_set(1)
    return armature


def world_vertices(scene, mesh) -> np.ndarray:
    """The evaluated mesh in world coordinates, read vertex by vertex, the slow and plain way."""
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([evaluated.matrix_world @ vertex.co for vertex in evaluated.data.vertices])
