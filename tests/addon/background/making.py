"""A shot of a scene, and its background as it is made: movie, frames, depth."""

import io
import os
import tempfile
from dataclasses import replace

import av
import bpy
import numpy as np

from isa_blender_addon.background import begin
from isa_blender_addon.settings.shot import generation_settings
from tests.addon.scenes.shot import capture_shot
from tests.movies import read_video
from tests.service.running import eventually


def shine(item, colour) -> None:
    material = bpy.data.materials.new("light")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    light, out = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    light.inputs["Color"].default_value = (*colour, 1)
    material.node_tree.links.new(light.outputs[0], out.inputs[0])
    item.data.materials.clear()
    item.data.materials.append(material)


def shot_of(scene):
    """A shot whose canvas has the plate's pixels."""
    return capture_shot(scene, replace(generation_settings(scene), plate_scale=1))


def steered_by_depth(scene):
    """As ``shot_of``, on a small canvas."""
    settings = replace(generation_settings(scene), steering="depth", width=48, height=32, plate_scale=1)
    return capture_shot(scene, settings)


def painted(scene, shot=None) -> np.ndarray:
    """The background's frames; those of ``shot_of`` where no shot is told."""
    shot = shot or shot_of(scene)
    movie, _ = made(scene, shot)
    return read_video(movie, shot.frames, (shot.settings.width, shot.settings.height))


def scaled(shot, scale: int):
    """A shot whose plate has so many pixels along each side to one of the canvas."""
    return replace(shot, settings=replace(shot.settings, plate_scale=scale))


def size_of(movie: bytes) -> tuple[int, int]:
    """Width and height of a movie, pixels."""
    with av.open(io.BytesIO(movie)) as file:
        return file.streams.video[0].width, file.streams.video[0].height


def made(scene, shot, metre=1.0) -> tuple[bytes, np.ndarray | None]:
    """The background's movie, and its depth."""
    making = begin(scene, shot, metre)
    try:
        return eventually(making.poll, "the background is painted"), making.depth
    finally:
        making.close()


def leftovers() -> list[str]:
    return [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("isa-background")]
