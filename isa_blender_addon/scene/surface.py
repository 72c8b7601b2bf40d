"""Surface points of a character, read from its evaluated mesh: modifiers, constraints, NLA and all.

A table of points belongs to the topology of the mesh that the artist edits. Where modifiers make another
topology of it, such as a subdivision, each point is bound to the nearest place on the modified mesh at rest.
"""

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from isa_engine.errors import SceneError
from isa_engine.geometry.surface import SurfaceTable, surface_table

from .characters import CharacterRig
from .timeline import view_layer

# Modifiers that pose a mesh and never change its topology; off while the mesh is at rest.
_POSING = {
    "ARMATURE",
    "CAST",
    "CLOTH",
    "CURVE",
    "DISPLACE",
    "HOOK",
    "LAPLACIANDEFORM",
    "LATTICE",
    "MESH_CACHE",
    "MESH_DEFORM",
    "MESH_SEQUENCE_CACHE",
    "SHRINKWRAP",
    "SIMPLE_DEFORM",
    "SOFT_BODY",
    "SURFACE_DEFORM",
    "WARP",
    "WAVE",
}
# Modifiers that add skin to what the artist edits, such as a body's other half.
_ADDING = {"ARRAY", "MIRROR"}
# Modifiers that may number vertices anew and keep their count.
_RENUMBERING = {"BUILD", "NODES"}
# A point this far from the modified surface, of the body's height, has lost the skin that it was on:
# subdivision and thickness move skin by less.
_REMOVED = 0.03
# A step that waits for a table.
_WAITING_SECONDS = 0.01


class Surface:
    """One character's surface points, at whatever frame the scene stands.

    Args:
        frame: whose modifiers are asked where their topology is not the table's.

    Attributes:
        triangles: ``(M, 3)`` int32 between the points.
    """

    def __init__(self, character: CharacterRig, table: SurfaceTable, scene, frame: int):
        self.character, self.scene = character, scene
        self.triangles = table.triangles
        # Of the mesh that the artist edits; None where the points are not on that alone.
        self._own: SurfaceTable | None = table
        self._table = table
        if self._other_topology():
            vertices, triangles = _modified_at_rest(character.mesh, frame)
            if len(triangles) == 0:
                self._refuse()
            rest, _ = _at_rest(character.mesh)
            self._table, farthest = _bind(table, rest, vertices, triangles)
            if farthest > _REMOVED * np.ptp(rest, axis=0).max():
                self._refuse_removal()
            if any(m.type in _ADDING and m.show_render for m in character.mesh.modifiers):
                self._own = None
                self._table = _table(vertices.tobytes(), triangles.tobytes())
                self.triangles = self._table.triangles
        if _inwards(self.points(), self.triangles):
            # A mirrored body: all that asks for the outside, such as normals, needs it the other way round.
            self.triangles = np.ascontiguousarray(self.triangles[:, ::-1])

    def points(self) -> np.ndarray:
        """``(N, 3)`` float32, world coordinates.

        Raises:
            SceneError: the mesh has another number of vertices than on the first frame read.
        """
        evaluated = self._evaluated()
        vertices = positions(evaluated)
        if len(vertices) != self._table.vertex_count:
            self._refuse()
        return _placed(self._table, vertices, np.array(evaluated.matrix_world, np.float64))

    def points_of(self, vertices: np.ndarray, to_world: np.ndarray) -> np.ndarray:
        """``points`` of the body as it stood elsewhere.

        Args:
            vertices: ``(V, 3)`` of the posed mesh in its own space, modified or as the artist edits it.
            to_world: ``(4, 4)`` from there.

        Raises:
            SceneError: the body has got other vertices since.
        """
        for table in (self._table, self._own):
            if table is not None and len(vertices) == table.vertex_count:
                return _placed(table, vertices, to_world)
        raise SceneError(
            "'{name}' has other vertices than when its picture was made of the scene",
            remedy="Match it to the picture, or have it posed as at a frame that shows it so.",
            name=self.character.name,
        )

    def _other_topology(self) -> bool:
        """Whether modifiers make another topology than the artist edits."""
        if len(positions(self._evaluated())) != self._table.vertex_count:
            return True
        if not any(m.type in _RENUMBERING and m.show_render for m in self.character.mesh.modifiers):
            return False
        evaluated = self._evaluated()
        same = np.array_equal(_corners(evaluated.to_mesh()), _corners(self.character.mesh.data))
        evaluated.to_mesh_clear()
        return not same

    def _evaluated(self):
        return self.character.mesh.evaluated_get(view_layer(self.scene).depsgraph)

    def _refuse_removal(self):
        raise SceneError(
            "modifiers take away parts of '{name}', which points are to lie on",
            where="frame {frame}",
            remedy="Turn off what does it on '{mesh}', one of the modifiers {modifiers}.",
            name=self.character.name,
            mesh=self.character.mesh.name,
            modifiers=", ".join(self._changing()),
            frame=self.scene.frame_current,
        )

    def _changing(self) -> list[str]:
        return [f"'{m.name}'" for m in self.character.mesh.modifiers if m.type not in _POSING]

    def _refuse(self):
        changing = self._changing()
        remedy = "Turn off what does it on '{mesh}', one of the modifiers {modifiers}."
        raise SceneError(
            "'{name}' changes its number of vertices with time or pose",
            where="frame {frame}",
            remedy=remedy if changing else "Turn off what does it on '{mesh}'.",
            name=self.character.name,
            mesh=self.character.mesh.name,
            modifiers=", ".join(changing),
            frame=self.scene.frame_current,
        )


def surfaces(cast: list[CharacterRig], scene) -> list[Surface]:
    """A surface each; characters of one topology share the table of the first of them.

    Raises:
        SceneError: a mesh has no faces.
    """
    steps = surfaces_in_steps(cast, scene)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def surfaces_in_steps(cast: list[CharacterRig], scene) -> Generator[None, None, list[Surface]]:
    """``surfaces`` in short steps: making a table takes a quarter of a second, and a thread does it."""
    # The artist may scrub between the steps.
    frame = scene.frame_current
    maker = ThreadPoolExecutor(1, "isa-surfaces")
    try:
        tables: dict[tuple[int, bytes], Future[SurfaceTable]] = {}
        topologies = []
        for character in cast:
            vertices, triangles = _at_rest(character.mesh)
            topology = len(vertices), triangles.tobytes()
            if topology not in tables:
                tables[topology] = maker.submit(_table, vertices.tobytes(), topology[1])
            topologies.append(topology)
            yield
        result = []
        for character, topology in zip(cast, topologies, strict=True):
            while wait([tables[topology]], _WAITING_SECONDS).not_done:
                yield
            try:
                table = tables[topology].result()
            except ValueError as error:
                remedy = "Take it out of the cast, or give its mesh faces."
                raise SceneError("'{name}' has no surface", remedy=remedy, name=character.name) from error
            result.append(Surface(character, table, scene, frame))
            yield
        return result
    finally:
        maker.shutdown(wait=False, cancel_futures=True)


def _placed(table: SurfaceTable, vertices: np.ndarray, to_world: np.ndarray) -> np.ndarray:
    # Fewer points than vertices are left to be moved.
    return (table.points(vertices) @ to_world[:3, :3].T + to_world[:3, 3]).astype(np.float32)


@lru_cache(maxsize=32)
def _table(vertices: bytes, triangles: bytes) -> SurfaceTable:
    # Proportions alone decide where the points go, so a mesh in centimetres needs no conversion.
    return surface_table(
        np.frombuffer(vertices, np.float32).reshape(-1, 3), np.frombuffer(triangles, np.int32).reshape(-1, 3)
    )


def _at_rest(item) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the Basis and the mesh's triangles, in the mesh's own space."""
    mesh = item.data
    basis = mesh.shape_keys.reference_key.data if mesh.shape_keys else mesh.vertices
    vertices = np.empty(3 * len(basis), np.float32)
    basis.foreach_get("co", vertices)
    return vertices.reshape(-1, 3), _triangles(mesh)


def _triangles(mesh) -> np.ndarray:
    mesh.calc_loop_triangles()
    triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    return triangles.reshape(-1, 3)


def positions(evaluated) -> np.ndarray:
    """Vertices ``(V, 3)`` float32 of an evaluated mesh object, in its own space."""
    # Not evaluated.data, which is not yet subdivided where the GPU does that for drawing.
    mesh = evaluated.to_mesh()
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    evaluated.to_mesh_clear()
    return vertices.reshape(-1, 3)


def _corners(mesh) -> np.ndarray:
    """The vertices of all faces, one face after the other."""
    vertices = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", vertices)
    return vertices


def _inwards(points: np.ndarray, triangles: np.ndarray) -> bool:
    """Whether the triangles of a closed surface face its inside: the volume that they enclose is negative."""
    a, b, c = np.moveaxis((points - points.mean(0)).astype(np.float64)[triangles], 1, 0)
    return bool((np.cross(a, b) * c).sum() < 0)


def _bind(
    table: SurfaceTable, rest: np.ndarray, vertices: np.ndarray, triangles: np.ndarray
) -> tuple[SurfaceTable, float]:
    """The table's points, on the mesh at rest, at their nearest places on the modified mesh at rest; and the
    distance of the farthest of these."""
    points = table.points(rest.astype(np.float64))
    tree = BVHTree.FromPolygons(vertices.tolist(), triangles.tolist(), all_triangles=True)
    nearest = [tree.find_nearest(point) for point in points.tolist()]
    corners = triangles[[face for _, _, face, _ in nearest]].astype(np.int64)
    places = np.array([place for place, _, _, _ in nearest])
    bound = SurfaceTable(corners, _barycentric(places, vertices[corners]), table.triangles, len(vertices))
    return bound, max(distance for _, _, _, distance in nearest)


def _barycentric(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Coordinates of ``(N, 3)`` places in ``(N, 3, 3)`` triangles that hold them."""
    a, b, c = np.moveaxis(corners, 1, 0)
    normal = np.cross(b - a, c - a)
    area = np.maximum((normal**2).sum(-1), np.finfo(np.float64).tiny)
    v = (np.cross(places - a, c - a) * normal).sum(-1) / area
    w = (np.cross(b - a, places - a) * normal).sum(-1) / area
    return np.stack([1 - v - w, v, w], -1)


def _modified_at_rest(item, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles after the modifiers, without pose; evaluated on a copy in a scene of its own."""
    scene, copy = bpy.data.scenes.new(item.name), item.copy()
    try:
        copy.animation_data_clear()
        copy.constraints.clear()
        copy.parent = None
        copy.show_only_shape_key, copy.active_shape_key_index = True, 0
        for modifier in [m for m in copy.modifiers if m.type in _POSING]:
            copy.modifiers.remove(modifier)
        scene.collection.objects.link(copy)
        scene.frame_current = frame
        layer = scene.view_layers[0]
        layer.update()
        evaluated = copy.evaluated_get(layer.depsgraph)
        vertices = positions(evaluated)
        mesh = evaluated.to_mesh()
        triangles = _triangles(mesh)
        evaluated.to_mesh_clear()
        return vertices, triangles
    finally:
        bpy.data.objects.remove(copy)
        bpy.data.scenes.remove(scene)
