"""A shot as pictures that models are steered by: skeletons, depth, normals, masks; with numpy alone.

They are drawn from the shot's geometry, where other programs estimate them from videos. A pixel shows what
lies at its centre; nothing is blended at edges.
"""

from isa_engine.controls.depth import depth_pictures
from isa_engine.controls.masks import box_masks, grown_masks
from isa_engine.controls.normals import normal_pictures
from isa_engine.controls.pose import pose_pictures

# Each takes a shot and a size ``(width, height)`` in pixels, and yields a picture ``(height, width, 3)``
# uint8 a frame.
CONTROLS = {
    "pose": pose_pictures,
    "depth": depth_pictures,
    "normals": normal_pictures,
    "mask": grown_masks,
    "boxes": box_masks,
}

__all__ = ["CONTROLS", "box_masks", "depth_pictures", "grown_masks", "normal_pictures", "pose_pictures"]
