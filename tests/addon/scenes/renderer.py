"""What Blender's renderer draws: an engine of our own that only looks, and a shot held against it."""

from dataclasses import dataclass, field

import bpy
import numpy as np
import pytest
from mathutils.bvhtree import BVHTree

from isa_engine.shot import Shot

MILLIMETRE = 1e-3
# Random rigs are balls that cross; a point may lie on either.
NEARLY_ALL = 0.99


@dataclass
class Rendered:
    """What one frame shows: the camera, and each body's vertices and triangles in the world."""

    camera: np.ndarray
    bodies: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


class WITNESS_render_engine(bpy.types.RenderEngine):
    bl_idname, bl_label = "WITNESS", "Witness"
    seen: list[Rendered] = []

    def render(self, depsgraph) -> None:
        # The scene's own camera stands where the viewport has it.
        camera = depsgraph.scene.camera.evaluated_get(depsgraph)
        frame = Rendered(np.array(camera.matrix_world.normalized()))
        for instance in depsgraph.object_instances:
            item = instance.object
            if item.type == "MESH" and instance.show_self:
                mesh = item.to_mesh()
                mesh.calc_loop_triangles()
                vertices = np.array([instance.matrix_world @ vertex.co for vertex in mesh.vertices])
                triangles = np.array([triangle.vertices[:] for triangle in mesh.loop_triangles])
                whose = item.original.parent or item.original
                frame.bodies[whose.name_full] = vertices, triangles
                item.to_mesh_clear()
        type(self).seen.append(frame)


@pytest.fixture
def rendered(scene):
    """``rendered(numbers)`` → what the renderer draws on these scene frames."""
    bpy.utils.register_class(WITNESS_render_engine)

    def render(numbers) -> list[Rendered]:
        WITNESS_render_engine.seen.clear()
        before, scene.render.engine = scene.render.engine, "WITNESS"
        for number in numbers:
            scene.frame_set(int(number))
            bpy.ops.render.render(scene=scene.name)
        scene.render.engine = before
        return list(WITNESS_render_engine.seen)

    yield render
    bpy.utils.unregister_class(WITNESS_render_engine)


def assert_as_rendered(shot: Shot, frames: list[Rendered], partly: set[str] = frozenset()) -> None:
    """Who is shown, where their skin is, and the camera, frame by frame.

    Args:
        partly: those of whom modifiers hide parts: only what is left can be compared.
    """
    assert len(frames) == shot.frames
    for k, frame in enumerate(frames):
        assert {c.name for c in shot.characters if c.visible[k]} == set(frame.bodies)
        np.testing.assert_allclose(shot.camera_to_world[k], frame.camera, atol=1e-5)
        for character in shot.characters:
            if not character.visible[k]:
                continue
            tree = BVHTree.FromPolygons(*(part.tolist() for part in frame.bodies[character.name]))
            away = np.array([tree.find_nearest(point)[3] for point in character.points[k][::8].tolist()])
            if character.name in partly:
                # The skin that is left has points on it; some are on skin that is hidden.
                assert 0.3 < (away < MILLIMETRE).mean() < 1
            else:
                assert (away < MILLIMETRE).mean() >= NEARLY_ALL, character.name
