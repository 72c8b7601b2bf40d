"""The demo scene: two dressed characters, one walking and one gesturing, under a moving camera."""

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from isa_engine.body import bundled_motion, open_body

from .dress import dress
from .rig import add_character, apply_motion, put_on_ground

FRAMES = 25
SIZE = (1280, 720)
FPS = 24
# The picture that stands in for a photograph of the cast; of further demos "demo-reference-2.png" and so on.
REFERENCE = "demo-reference.png"


@dataclass(frozen=True)
class DemoScene:
    """What was made.

    Attributes:
        characters: armature objects.
        camera: the scene's camera object.
        collection: holds all of it.
    """

    characters: tuple
    camera: Any
    collection: Any


def build_demo_scene(context) -> DemoScene:
    """Build the demo into the context's scene and set that scene's range, size, frame rate and camera.

    Give it a scene of its own: one that holds an artist's work would be framed anew.

    Raises:
        SceneError: Blender is not in object mode.
    """
    scene = context.scene
    collection = bpy.data.collections.new("ISA demo")
    scene.collection.children.link(collection)
    scene.frame_start, scene.frame_end, scene.frame_step = 1, FRAMES, 1
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    # Colours in the picture as in the material, not as on film.
    scene.view_settings.view_transform = "Standard"
    scene.frame_set(1)

    body = open_body()
    walker = add_character(context, body, "Anna", collection, betas=(-0.3, 0.3))
    dress(walker)
    _stage(walker, bundled_motion("walk"), place=(-0.85, 0.5), heading=math.radians(14))
    gesturer = add_character(context, body, "Ben", collection, betas=(0.4, -0.2))
    dress(
        gesturer,
        skin=(0.32, 0.17, 0.10),
        shirt=(0.07, 0.30, 0.16),
        trousers=(0.16, 0.14, 0.11),
        hair=(0.02, 0.02, 0.02),
        shoes=(0.10, 0.04, 0.02),
    )
    _stage(gesturer, bundled_motion("gesture"), place=(0.95, 0.1), heading=math.radians(-40))

    _set(scene, collection)
    camera = _camera(scene, collection)
    scene.frame_set(1)
    return DemoScene((walker, gesturer), camera, collection)


def _stage(armature, motion, place: tuple[float, float], heading: float) -> None:
    """Apply a motion so that it starts at a place on the ground, facing −Y turned by ``heading``."""
    apply_motion(armature, motion, start_frame=1)
    bpy.context.view_layer.update()
    pelvis = armature.pose.bones["pelvis"]
    forward = pelvis.matrix.to_3x3().col[2]
    turn = heading - math.atan2(forward.x, -forward.y)
    armature.rotation_euler.z = turn
    start = np.array(pelvis.head[:2])
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    armature.location.xy = np.array(place) - rotation @ start
    put_on_ground(armature)


def _set(scene, collection) -> None:
    """Ground, sun and sky."""
    mesh = bpy.data.meshes.new("Ground")
    mesh.from_pydata([(-20, -20, 0), (20, -20, 0), (20, 20, 0), (-20, 20, 0)], [], [(0, 1, 2, 3)])
    material: Any = bpy.data.materials.new("Ground")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    # Tiles of one metre, on which one sees the camera move.
    place, tiles = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeTexChecker")
    tiles.inputs["Scale"].default_value = 1.0
    tiles.inputs["Color1"].default_value = (0.34, 0.32, 0.29, 1)
    tiles.inputs["Color2"].default_value = (0.25, 0.24, 0.23, 1)
    links.new(place.outputs["Object"], tiles.inputs["Vector"])
    links.new(tiles.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    nodes["Principled BSDF"].inputs["Roughness"].default_value = 0.9
    mesh.materials.append(material)
    collection.objects.link(bpy.data.objects.new("Ground", mesh))

    light: Any = bpy.data.lights.new("Sun", "SUN")
    light.energy, light.angle = 3.0, math.radians(4)
    sun = bpy.data.objects.new("Sun", light)
    sun.rotation_euler = math.radians(48), math.radians(8), math.radians(-35)
    collection.objects.link(sun)
    world: Any = bpy.data.worlds.new("Sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.42, 0.55, 0.72, 1)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.7
    scene.world = world


def _camera(scene, collection):
    """A camera that circles the cast at eye height while its lens closes in."""
    target = bpy.data.objects.new("Camera target", None)
    target.location, target.empty_display_size = (0.05, 0.0, 0.88), 0.2
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    for item in (target, camera):
        collection.objects.link(item)
    aim = camera.constraints.new("TRACK_TO")
    aim.target, aim.track_axis, aim.up_axis = target, "TRACK_NEGATIVE_Z", "UP_Y"
    for frame, (angle, distance, height, lens) in {
        1: (-24, 5.2, 1.5, 38),
        FRAMES: (12, 4.8, 1.3, 42),
    }.items():
        angle = math.radians(angle)
        camera.location = distance * math.sin(angle), -distance * math.cos(angle), height
        camera.data.lens = lens
        camera.keyframe_insert("location", frame=frame)
        camera.data.keyframe_insert("lens", frame=frame)
    scene.camera = camera
    return camera
