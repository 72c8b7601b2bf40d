"""How characters stood as a picture of the scene was made, whoever moves afterwards.

It is kept as a mesh of vertices alone that no scene holds: nothing draws, renders or selects it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from .as_rendered import as_rendered
from .camera import camera_to_world, evaluated_camera, intrinsics
from .characters import CharacterRig
from .keep import kept
from .surface import positions
from .timeline import view_layer
from .units import size_of, unit_in_metres

_PROPERTY = "isa_stance"


@dataclass(frozen=True)
class Stance:
    """One character before a camera, in metres.

    Attributes:
        vertices: ``(V, 3)`` float32 of its body, in that object's own space.
        to_world: ``(4, 4)`` float64 from there.
        intrinsics: of the camera onto the picture (``isa_engine.geometry.camera``).
        camera_to_world: ``(4, 4)`` float64, rigid.
    """

    vertices: np.ndarray
    to_world: np.ndarray
    intrinsics: tuple[float, float, float, float]
    camera_to_world: np.ndarray

    @property
    def frame_shape(self) -> tuple[float, float]:
        """Width and height of the camera's frame in square units."""
        return self.intrinsics[1], self.intrinsics[0]


def keep_stances(scene, frame: int, cast: Sequence[CharacterRig]) -> list[bpy.types.Mesh]:
    """How each of these stands at a frame, before its camera.

    Raises:
        SceneError: there is no camera, or it is no perspective one.
    """
    bodies = [character.mesh for character in cast]
    with kept(scene):
        scene.frame_set(frame)
        with as_rendered(scene, bodies) as follow:
            follow()
            camera = evaluated_camera(scene, frame)
            seen, view = intrinsics(camera, scene), camera_to_world(camera)
            shown = [body.evaluated_get(view_layer(scene).depsgraph) for body in bodies]
            places = [(positions(body), np.array(body.matrix_world, np.float64)) for body in shown]
    metre = unit_in_metres(scene, [size_of(vertices @ world[:3, :3].T) for vertices, world in places])
    # Of the scene's unit as it is now: it may be another when this is read.
    view[:3, 3] *= metre
    for _, world in places:
        world[:3] *= metre
    return [_mesh(c.name, Stance(*place, seen, view)) for c, place in zip(cast, places, strict=True)]


def read_stance(mesh: bpy.types.Mesh) -> Stance | None:
    """What was kept in a mesh; None where that is damaged."""
    try:
        told = mesh[_PROPERTY]
        to_world, view = (np.reshape(np.array(told[name]), (4, 4)) for name in ("world", "camera"))
        fx, fy, cx, cy = told["intrinsics"]
    except (KeyError, ValueError, TypeError):
        return None
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    return Stance(vertices.reshape(-1, 3), to_world, (fx, fy, cx, cy), view)


def _mesh(name: str, stance: Stance) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(f"{name} as pictured")
    mesh.vertices.add(len(stance.vertices))
    mesh.vertices.foreach_set("co", stance.vertices.ravel())
    mesh[_PROPERTY] = {
        "world": stance.to_world.ravel().tolist(),
        "camera": stance.camera_to_world.ravel().tolist(),
        "intrinsics": list(stance.intrinsics),
    }
    return mesh
