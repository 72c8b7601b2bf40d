"""Sets by code: open country, a town square, a room, a studio, each with its ground, light and things around.

The ground is the plane z = 0. Nothing stands where the cast moves or between it and the camera.
"""

from typing import Any

import bpy
import numpy as np

from . import materials
from .skies import Sky, outdoor_sky, studio_sky
from .staging import Staging

KINDS = ("country", "square", "room", "studio")


class Stage:
    """What is built around one staging, and can be struck again.

    Args:
        random: draws everything.
        staging: kept in view.
    """

    def __init__(self, random: np.random.Generator, staging: Staging):
        self.random, self.staging = random, staging
        self.objects: list = []
        self.kind = str(random.choice(KINDS, p=[0.3, 0.3, 0.25, 0.15]))
        self.cameras = staging.camera_to_world[:, :2, 3]
        # Half of the extent that holds cast and cameras.
        self.extent = max(np.abs(self.cameras).max(), np.abs(staging.centre).max() + staging.reach) + 1.0
        getattr(self, f"_{self.kind}")()

    def strike(self) -> None:
        for item in self.objects:
            bpy.data.objects.remove(item)

    def _country(self) -> None:
        self._sky(outdoor_sky(self.random, str(self.random.choice(["hills", "trees"]))))
        kind = str(self.random.choice(["grass", "soil", "sand", "snow"], p=[0.45, 0.25, 0.2, 0.1]))
        self._plane("ground", 300, materials.ground(self.random, kind))
        rock = materials.paint(self.random, np.full(3, self.random.uniform(0.08, 0.4)), 0.9)
        leaf = materials.ground(self.random, "grass")
        bark = materials.paint(self.random, np.array([0.1, 0.06, 0.04]), 0.9)
        for place in self._places(int(self.random.integers(6, 30)), 22, 0.8):
            size = self.random.uniform(0.15, 0.7)
            if self.random.random() < 0.4:
                self._lump(place, size, rock, flat=0.6)
            elif self.random.random() < 0.5:
                self._lump(place, size * 1.2, leaf, flat=0.9)
            else:
                height = self.random.uniform(2, 5)
                self._column(place, 0.06 + 0.03 * height, height, bark)
                for _ in range(4):
                    off = self.random.normal(0, 0.18 * height, 2)
                    self._lump(place + off, 0.3 * height, leaf, 1.0, height * self.random.uniform(0.8, 1.2))

    def _square(self) -> None:
        self._sky(outdoor_sky(self.random, "city"))
        kind = str(self.random.choice(["asphalt", "tiles", "bricks", "planks"]))
        self._plane("ground", 300, materials.ground(self.random, kind))
        for place in self._places(int(self.random.integers(2, 7)), 40, 9.0):
            facade = materials.ground(self.random, str(self.random.choice(["bricks", "tiles"])))
            self._box(place, self.random.uniform([5, 5, 5], [14, 14, 25]), facade)
        for place in self._places(int(self.random.integers(4, 16)), 14, 0.8):
            stuff = materials.paint(self.random, materials.random_colour(self.random), 0.5)
            if self.random.random() < 0.5:
                self._box(place, self.random.uniform([0.3, 0.3, 0.3], [1.8, 0.9, 1.3]), stuff)
            else:
                self._column(place, self.random.uniform(0.05, 0.3), self.random.uniform(0.6, 4), stuff)

    def _room(self) -> None:
        self._sky(studio_sky(self.random))
        half = self.extent + self.random.uniform(0.3, 2.5, 2)
        height = max(self.random.uniform(2.6, 4.0), self.staging.camera_to_world[:, 2, 3].max() + 0.5)
        floor = materials.ground(self.random, str(self.random.choice(["tiles", "planks", "carpet"])))
        self._plane("floor", half, floor)
        white = materials.paint(self.random, np.full(3, 0.8))
        self._plane("ceiling", half, white, height)
        wall = 0.6 * materials.random_colour(self.random, 0.35) + 0.25
        stuff = materials.paint(self.random, wall)
        trim = materials.paint(self.random, np.full(3, self.random.uniform(0.1, 0.85)))
        for axis, side in ((0, -1), (0, 1), (1, -1), (1, 1)):
            size, where = np.array([0.1, 0.1, height]), np.zeros(2)
            size[1 - axis] = 2 * half[1 - axis]
            where[axis] = side * (half[axis] + 0.05)
            self._box(where, size, stuff)
            size[2], where[axis] = 0.12, side * (half[axis] + 0.03)
            self._box(where, size, trim)
            for _ in range(self.random.integers(0, 4)):
                self._picture(axis, side, half, height)
        for _ in range(self.random.integers(1, 4)):
            self._panel(
                self.random.uniform(-0.7, 0.7, 2) * half, height - 0.02, self.random.uniform(0.5, 1.6, 2)
            )
        for place in self._places(int(self.random.integers(3, 10)), half.min() - 0.4, 0.6):
            stuff = materials.paint(self.random, materials.random_colour(self.random, 0.4), 0.5)
            self._box(place, self.random.uniform([0.4, 0.4, 0.4], [1.3, 0.8, 2.0]), stuff)

    def _studio(self) -> None:
        self._sky(studio_sky(self.random))
        backdrop = materials.paint(self.random, materials.random_colour(self.random, 0.45), 0.8)
        self._plane("floor", 60, backdrop)
        for _ in range(self.random.integers(2, 4)):
            bearing = self.random.uniform(0, 2 * np.pi)
            away = self.staging.centre + 4.5 * np.array([np.cos(bearing), np.sin(bearing)])
            light: Any = bpy.data.lights.new("softbox", "AREA")
            light.size, light.energy = (
                float(self.random.uniform(0.8, 2.5)),
                float(self.random.uniform(200, 900)),
            )
            item = self._add(bpy.data.objects.new("softbox", light))
            item.location = (*away, self.random.uniform(2.2, 4.5))
            item.rotation_euler = (0.9, 0, bearing + np.pi / 2)

    def _sky(self, sky: Sky) -> None:
        height, width, _ = sky.image.shape
        image = bpy.data.images.new("sky", width, height, float_buffer=True)
        image.pixels.foreach_set(
            np.concatenate([sky.image, np.ones((height, width, 1), np.float32)], -1).ravel()
        )
        image.pack()
        world = bpy.data.worlds.new("sky")
        world.use_nodes = True
        nodes = world.node_tree.nodes
        environment: Any = nodes.new("ShaderNodeTexEnvironment")
        environment.image = image
        world.node_tree.links.new(environment.outputs["Color"], nodes["Background"].inputs["Color"])
        bpy.context.scene.world = world
        if sky.sun_strength > 0.05:
            light: Any = bpy.data.lights.new("sun", "SUN")
            light.energy, light.angle = sky.sun_strength, float(self.random.uniform(0.01, 0.08))
            light.color = sky.warmth
            item = self._add(bpy.data.objects.new("sun", light))
            x, y, z = sky.sun
            # A lamp shines along its −Z.
            item.rotation_euler = (0, np.arccos(z), np.arctan2(y, x))

    def _places(self, count: int, outer: float, clearance: float) -> list[np.ndarray]:
        """Up to so many places off the cast and off the lines of sight to it."""
        centre, reach = self.staging.centre, self.staging.reach
        found = []
        for _ in range(count):
            place = self.random.uniform(-outer, outer, 2) + (0 if self.kind == "room" else centre)
            sight = centre - self.cameras
            share = np.clip(((place - self.cameras) * sight).sum(1) / (sight**2).sum(1).clip(1e-6), 0, 1)
            off = np.linalg.norm(self.cameras + share[:, None] * sight - place, axis=1).min()
            if off > 0.5 * reach + clearance and np.linalg.norm(place - centre) > reach + clearance:
                found.append(place)
        return found

    def _add(self, item):
        bpy.context.collection.objects.link(item)
        self.objects.append(item)
        return item

    def _mesh(self, name: str, vertices: np.ndarray, faces, stuff, smooth: bool = False):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(vertices, [], faces)
        if smooth:
            mesh.shade_smooth()
        mesh.materials.append(stuff)
        return self._add(bpy.data.objects.new(name, mesh))

    def _plane(self, name: str, half, stuff, height: float = 0.0) -> None:
        corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * [*np.broadcast_to(half, 2), 1]
        self._mesh(name, corners + np.array([0, 0, height]), [(0, 1, 2, 3)], stuff)

    def _box(self, place: np.ndarray, size: np.ndarray, stuff) -> None:
        corners = (np.array(list(np.ndindex(2, 2, 2))) - [0.5, 0.5, 0]) * size
        item = self._mesh("box", corners, _BOX, stuff)
        item.location = (*place, 0)
        if self.kind != "room" or max(size[:2]) < 1.4:
            item.rotation_euler.z = self.random.uniform(0, np.pi)

    def _column(self, place: np.ndarray, radius: float, height: float, stuff) -> None:
        angle = np.arange(16) * np.pi / 8
        ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
        vertices = np.concatenate([np.c_[ring, np.zeros(16)], np.c_[ring, np.full(16, height)]])
        faces = [(i, (i + 1) % 16, 16 + (i + 1) % 16, 16 + i) for i in range(16)] + [tuple(range(16, 32))]
        self._mesh("column", vertices, faces, stuff).location = (*place, 0)

    def _lump(self, place: np.ndarray, size: float, stuff, flat: float, height: float = 0.0) -> None:
        rows, columns = 12, 20
        polar, around = np.meshgrid(
            np.linspace(0, np.pi, rows), np.arange(columns) * 2 * np.pi / columns, indexing="ij"
        )
        ball = np.stack(
            [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), flat * np.cos(polar)], -1
        )
        waves, phase = self.random.normal(0, 3.5, (5, 3)), self.random.uniform(0, 6, 5)
        ball = ball * (1 + 0.12 * np.sin(ball @ waves.T + phase).sum(-1, keepdims=True)) * size
        row, column = np.divmod(np.arange((rows - 1) * columns), columns)
        a, b = row * columns + column, row * columns + (column + 1) % columns
        faces = np.stack([a, a + columns, b + columns, b], 1)
        item = self._mesh("lump", ball.reshape(-1, 3), faces.tolist(), stuff, smooth=True)
        item.location = (*place, height)

    def _picture(self, axis: int, side: int, half: np.ndarray, height: float) -> None:
        """On a wall: a framed pattern, or a window that shines."""
        width, tall = self.random.uniform(0.4, 1.6), self.random.uniform(0.4, 1.3)
        if self.random.random() < 0.4:
            stuff = materials.light(float(self.random.uniform(1.5, 4)), np.array([0.85, 0.93, 1.0]))
        else:
            stuff = materials.ground(self.random, "carpet")
        size, where = np.array([0.06, 0.06, tall]), np.zeros(2)
        size[1 - axis] = width
        where[axis] = side * (half[axis] - 0.02)
        where[1 - axis] = self.random.uniform(-1, 1) * (half[1 - axis] - width)
        corners = (np.array(list(np.ndindex(2, 2, 2))) - [0.5, 0.5, 0]) * size
        item = self._mesh("picture", corners, _BOX, stuff)
        item.location = (*where, self.random.uniform(0.9, max(1.0, height - tall - 0.2)))

    def _panel(self, place: np.ndarray, height: float, size: np.ndarray) -> None:
        light: Any = bpy.data.lights.new("panel", "AREA")
        light.shape, (light.size, light.size_y) = "RECTANGLE", size
        light.energy = float(self.random.uniform(60, 250) * (height / 3) ** 2)
        light.color = 1 - self.random.uniform(0, 0.25) * np.array([0.0, 0.4, 1.0])
        self._add(bpy.data.objects.new("panel", light)).location = (*place, height)


_BOX = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
