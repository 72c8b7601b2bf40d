"""Tracked people in the scene: a character for each, before the camera that saw them, all under one empty."""

import bpy
import numpy as np

from isa_engine.body import BodyModel
from isa_engine.body.model.axes import to_world
from isa_engine.data.footage.people import TrackedPeople

from ..scene.timeline import fps, frame_shape
from .rig import add_character, apply_motion

EMPTY, CAMERA = "Tracked People", "Tracked Camera"
# Of frames and vertices, so few are looked at for the ground.
_EVERY_FRAME, _EVERY_VERTEX = 5, 7
_SENSOR = 36.0
# Shapes of the frame that differ by less show a person within a pixel or two of the same place.
_SHAPE = 0.002


def add_people(
    context, found: TrackedPeople, body: BodyModel, size: tuple[int, int], rate: float, start_frame: int
) -> list:
    """Add them at the world's origin; the artist places them by the empty.

    Where their camera becomes the scene's, the render takes the video's size if it has another shape: through
    a frame of another shape people would not stand where the video shows them.

    Args:
        size: ``(height, width)`` of the video in pixels.
        rate: of the video, frames a second.
        start_frame: scene frame of the video's first.

    Returns:
        The armatures.

    Raises:
        SceneError: Blender is not in object mode.
    """
    scene, empty = context.scene, bpy.data.objects.new(EMPTY, None)
    armatures = []
    for person in found.people:
        motion = person.motion
        name = f"Person {motion.name}" if motion.name.isdigit() else motion.name
        armature = add_character(context, body, name, betas=motion.betas)
        first = start_frame + round(person.first * float(fps(scene)) / rate)
        apply_motion(armature, motion, first)
        armatures.append(armature)
    context.collection.objects.link(empty)
    things = list(armatures)
    if found.focal is not None:
        things.append(_camera(context, found, size))
        # Nobody is under the ground, and the lowest step is on it.
        empty.location.z = -min(_lowest(person.motion, body) for person in found.people)
    for thing in things:
        thing.parent = empty
    return armatures


def _camera(context, found: TrackedPeople, size: tuple[int, int]):
    height, width = size
    data = bpy.data.cameras.new(CAMERA)
    data.sensor_fit, data.sensor_width = "HORIZONTAL", _SENSOR
    data.lens = _SENSOR * found.focal[0] / width
    data.shift_x = 0.5 - found.principal[0] / width
    data.shift_y = (found.principal[1] - height / 2) / width
    camera = bpy.data.objects.new(CAMERA, data)
    # Level, along Y: as the people before it are placed.
    camera.rotation_euler = np.pi / 2, 0, 0
    context.collection.objects.link(camera)
    if context.scene.camera is None:
        context.scene.camera = camera
        if other_shape(context.scene, size):
            render = context.scene.render
            render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
            render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    return camera


def other_shape(scene, size: tuple[int, int]) -> bool:
    """Whether the render's frame has another shape than a video of ``(height, width)`` pixels."""
    width, height = frame_shape(scene)
    return abs(width / height * size[0] / size[1] - 1) > _SHAPE


def _lowest(motion, body: BodyModel) -> float:
    vertices, _ = body.pose(
        motion.betas,
        (),
        motion.rotations[::_EVERY_FRAME],
        motion.translation[::_EVERY_FRAME],
        slice(None, None, _EVERY_VERTEX),
    )
    return float(to_world(vertices)[..., 2].min())
