"""How far away is what a background shows, of the same render."""

import io
from pathlib import Path

import bpy
import numpy as np

from .file_format import write_as
from .full_disk import cut_short
from .recipe import Recipe, depth_beside

# What Cycles and Workbench say of a pixel that shows nothing is this far, or farther; EEVEE says that it is
# where the camera's sight ends, to within so much of that.
_NOTHING, _SIGHT_END = 1e9, 0.99


class DepthPass:
    """How far away along the camera's axis what each frame shows is: the renderer's depth pass, which the
    compositor writes beside a picture that it leaves as it is."""

    def __init__(self, scene, recipe: Recipe):
        self._folder, self._out = Path(recipe.out).parent / "depth", depth_beside(Path(recipe.out))
        self._metre, self._frames, self._told = recipe.metre, [], True
        self._needed, self._scale = recipe.needs_depth, recipe.plate_scale
        self._shape = tuple(side // self._scale for side in reversed(recipe.size))
        scene.render.use_compositing = True
        layer = next(layer for layer in scene.view_layers if layer.use)
        layer.use_pass_z = True
        tree, sink = _empty_compositor(scene)
        layers, file = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
        layers.scene, layers.layer = scene, layer.name
        write_as(file.format, "IMAGE", "OPEN_EXR")
        # Uncompressed, a file that a full disk cuts short is too small for its picture.
        file.format.color_depth, file.format.exr_codec = "32", "NONE"
        self._least = 4 * recipe.size[0] * recipe.size[1]
        if hasattr(file, "base_path"):
            file.base_path = str(self._folder)
        else:  # Blender 5
            file.directory = str(self._folder)
            file.file_output_items.new("FLOAT", "depth")
        tree.links.new(layers.outputs["Image"], sink)
        tree.links.new(layers.outputs["Depth"], file.inputs[0])

    def take(self, clip_end: float) -> None:
        """Read what the frame that was just rendered has left; its camera sees no farther than to there."""
        if not self._told:
            return
        (path,) = self._folder.iterdir()
        # Blender 5.0 crashes where it reads the pixels of a part of a picture.
        if path.stat().st_size < self._least:
            raise cut_short(str(path))
        image = bpy.data.images.load(str(path))
        if not len(image.pixels):
            raise cut_short(str(path))
        image.colorspace_settings.name = "Non-Color"
        (width, height), numbers = image.size, np.empty(len(image.pixels), np.float32)
        image.pixels.foreach_get(numbers)
        # Blender's pictures begin below. Of the plate's pixels that stand for one of the canvas it is the one
        # at its centre: a mean of near and far would be where nothing is.
        depth = numbers.reshape(height, width, -1)[::-1, :, 0]
        middle = slice(self._scale // 2, None, self._scale)
        depth = depth[middle, middle]
        bpy.data.images.remove(image)
        path.unlink()
        if not (depth > 0).all():
            if self._needed:
                raise RuntimeError("the renderer does not tell how far away things are; Quick does")
            self._told = False
            return
        # What half floats have no numbers for becomes infinite.
        there = depth < min(_NOTHING, _SIGHT_END * clip_end)
        with np.errstate(over="ignore"):
            metres = np.where(there, self._metre * depth, np.inf).astype(np.float16)
        self._frames.append(metres.clip(np.finfo(np.float16).smallest_normal))

    def write(self) -> None:
        """``(F, H, W)`` float16 metres, of the canvas's size; ``(1, H, W)`` where all frames are alike,
        ``(0, H, W)`` where the renderer does not tell them."""
        if not self._told:
            self._frames = [np.empty((0, *self._shape), np.float16)]
        alike = all(np.array_equal(frame, self._frames[0]) for frame in self._frames)
        # Into a file itself, numpy says nothing of a full disk.
        packed = io.BytesIO()
        np.save(packed, np.stack(self._frames[:1] if alike else self._frames))
        self._out.write_bytes(packed.getbuffer())


def _empty_compositor(scene):
    """The scene's compositor without any nodes but that of the finished picture, and where that goes."""
    if not hasattr(scene, "compositing_node_group"):
        scene.use_nodes = True
        scene.node_tree.nodes.clear()
        return scene.node_tree, scene.node_tree.nodes.new("CompositorNodeComposite").inputs["Image"]
    # Blender 5
    tree = scene.compositing_node_group = bpy.data.node_groups.new("Depth", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return tree, tree.nodes.new("NodeGroupOutput").inputs["Image"]
