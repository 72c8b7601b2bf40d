"""Garments as surfaces that stand off the body: cut from its skin, hung, smoothed, and posed by its weights.

SMPL-X space at rest: metres, Y up, facing +Z. V vertices of the body, v of a garment.
"""

from dataclasses import dataclass

import numpy as np

from isa_engine.body import SMPLX_JOINTS, BodyModel
from isa_engine.geometry.surface import vertex_normals

_TORSO = ("spine1", "spine2", "spine3", "left_collar", "right_collar")
_ARMS = (("left_shoulder", "left_elbow", "left_wrist"), ("right_shoulder", "right_elbow", "right_wrist"))
_LEGS = (("left_hip", "left_knee", "left_ankle"), ("right_hip", "right_knee", "right_ankle"))
_ANGLES, _LEVELS = 36, 48


@dataclass(frozen=True)
class Surface:
    """A mesh that is skinned to the body's 55 joints.

    Attributes:
        vertices: ``(v, 3)`` at rest.
        faces: ``(f, 3)``.
        weights: ``(v, 55)``.
    """

    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray


class Tailor:
    """Cuts garments for one shaped body.

    Attributes:
        skin: ``(V, 3)`` the shaped body at rest.
        joints: by SMPL-X's name, ``(3,)``.
    """

    def __init__(self, body: BodyModel, betas: np.ndarray):
        self.body, self.skin = body, body.shaped(betas).astype(np.float64)
        self.joints = dict(zip(SMPLX_JOINTS, body.joint_regressor @ self.skin, strict=True))
        self.normals = vertex_normals(self.skin, body.faces)
        self.limb = body.weights.argmax(1)

    def top(self, sleeve: float, hem: float, loose: float, neck: bool) -> Surface:
        """A shirt, pullover or coat.

        Args:
            sleeve: 0 none, 1 to the elbow, 2 to the wrist.
            hem: metres below the hips' joints.
            loose: 0 tight, 1 wide.
            neck: whether it covers the neck.
        """
        bottom = self.joints["left_hip"][1] - hem
        on = self._on(*_TORSO, *(("neck",) if neck else ()))
        on |= self._on("pelvis", "left_hip", "right_hip", "left_knee", "right_knee") & (
            self.skin[:, 1] > bottom
        )
        for arm in _ARMS:
            on |= self._on(arm[0], arm[1]) & (self._along(arm) < sleeve)
        shape = self._off(0.006 + 0.006 * loose)
        shape = hung(
            shape, self._on(*_TORSO, "pelvis", *_LEGS[0], *_LEGS[1]), self._line("spine3", "pelvis"), loose
        )
        for arm in _ARMS:
            shape = hung(shape, self._on(arm[0], arm[1]), self._line(arm[0], arm[2]), 0.6 * loose)
        return self._cut(on, shape, 0.005)

    def trousers(self, leg: float, loose: float) -> Surface:
        """Trousers or shorts up to the waist.

        Args:
            leg: 1 to the knee, 2 to the ankle.
        """
        on = self._on("pelvis") | (self._on("spine1") & (self.skin[:, 1] < self.joints["spine1"][1] + 0.01))
        shape = self._off(0.004 + 0.004 * loose)
        for limb in _LEGS:
            on |= self._on(*limb) & (self._along(limb) < leg)
            shape = hung(shape, self._on(*limb), self._line(limb[0], limb[2]), 0.7 * loose)
        return self._cut(on, shape, 0.0035)

    def skirt(self, length: float, flare: float, pleats: int, random: np.random.Generator) -> Surface:
        """A tube from the waist that swings with both thighs.

        Args:
            length: 1 to the knees, 2 to the ankles.
            flare: metres by which the hem is wider than the hips.
        """
        waist, knee = self.joints["spine1"][1] + 0.02, self.joints["left_knee"][1]
        hem = (
            waist - (waist - knee) * length
            if length <= 1
            else knee - (knee - self.joints["left_ankle"][1]) * (length - 1)
        )
        heights = np.linspace(waist, hem, 28)
        angle = np.arange(72) * 2 * np.pi / 72
        centre = self.joints["pelvis"][[0, 2]]
        below = self._on("pelvis", "spine1", *_LEGS[0][:2], *_LEGS[1][:2])
        flat = self.skin[below][:, [0, 2]] - centre
        towards = np.stack([np.cos(angle), np.sin(angle)])
        radius = np.stack(
            [
                # Support of the slice: how far its convex hull reaches in each direction.
                (flat[np.abs(self.skin[below, 1] - max(h, knee)) < 0.025] @ towards).max(0) + 0.012
                for h in heights
            ]
        )
        radius = np.maximum.accumulate(radius, 0)
        down = ((waist - heights) / (waist - hem))[:, None]
        wave = np.sin(pleats * angle + random.uniform(0, 6)) + 0.5 * np.sin((pleats // 2) * angle)
        radius = radius + flare * down + 0.3 * flare * down * wave
        vertices = np.stack(
            [
                centre[0] + radius * np.cos(angle),
                np.broadcast_to(heights[:, None], radius.shape),
                centre[1] + radius * np.sin(angle),
            ],
            -1,
        ).reshape(-1, 3)
        row, column = np.divmod(np.arange(27 * 72), 72)
        a, b = row * 72 + column, row * 72 + (column + 1) % 72
        faces = np.concatenate([np.stack([a, b, b + 72], 1), np.stack([a, b + 72, a + 72], 1)])
        weights = np.zeros((len(vertices), 55))
        side = np.clip(vertices[:, 0] / 0.16 + 0.5, 0, 1)
        swing = np.clip((self.joints["pelvis"][1] - vertices[:, 1]) / 0.35, 0, 1) * 0.85
        for joint, share in (
            ("left_hip", swing * side),
            ("right_hip", swing * (1 - side)),
            ("pelvis", 1 - swing),
        ):
            weights[:, SMPLX_JOINTS.index(joint)] = share
        return Surface(vertices, faces, weights)

    def shoes(self, height: float) -> Surface:
        """Both shoes, rounded, up to a height in metres above the ankles' joints."""
        ankles = self.joints["left_ankle"][1]
        on = self._on("left_ankle", "right_ankle", "left_foot", "right_foot", "left_knee", "right_knee")
        on &= self.skin[:, 1] < ankles + height
        return self._cut(on, self._off(0.008), 0.006, rounds=12)

    def scalp(self, thickness: float, brow: float, nape: float) -> Surface:
        """A cap of hair.

        Args:
            brow: metres of the hairline above the eyes.
            nape: metres of its end below the eyes, behind.
        """
        on = self.on_scalp(brow, nape)
        towards_crown = np.clip((self.skin[:, 1] - self.joints["left_eye_smplhf"][1]) / 0.1, 0, 1)
        offset = thickness * (0.45 + 0.55 * towards_crown)
        return self._cut(on, self.skin + self.normals * offset[:, None], 0.003, rounds=8)

    def on_scalp(self, brow: float, nape: float) -> np.ndarray:
        """Which vertices hair grows on: ``(V,)`` bool."""
        eye, head = self.joints["left_eye_smplhf"], self.joints["head"]
        height, front = self.skin[:, 1] - eye[1], self.skin[:, 2] - head[2]
        # The hairline runs from the brow over the temples and behind the ears down to the nape.
        line = np.interp(front, [-0.06, -0.01, 0.03, 0.1], [-nape, -0.5 * nape, 0.35 * brow, brow])
        return self._on("head", "neck") & (height > line)

    def _on(self, *joints: str) -> np.ndarray:
        return np.isin(self.limb, [SMPLX_JOINTS.index(joint) for joint in joints])

    def _line(self, start: str, end: str) -> tuple[np.ndarray, np.ndarray]:
        return self.joints[start], self.joints[end]

    def _along(self, limb: tuple[str, str, str]) -> np.ndarray:
        """Where each vertex is along a limb: 0 at its root, 1 at the middle joint, 2 at its end."""
        root, middle, end = (self.joints[joint] for joint in limb)

        def share(a, b):
            return (self.skin - a) @ (b - a) / ((b - a) @ (b - a))

        first, second = share(root, middle), share(middle, end)
        return np.where(first < 1, first, 1 + second.clip(0))

    def _off(self, distance: float) -> np.ndarray:
        return self.skin + self.normals * distance

    def _cut(self, on: np.ndarray, shape: np.ndarray, least: float, rounds: int = 14) -> Surface:
        """The part of a shape over the vertices ``on``, smoothed, no nearer to the skin than ``least``."""
        faces = self.body.faces[on[self.body.faces].all(1)]
        kept, faces = np.unique(faces, return_inverse=True)
        faces = faces.reshape(-1, 3)
        vertices = smoothed(shape[kept], faces, rounds)
        missing = least - ((vertices - self.skin[kept]) * self.normals[kept]).sum(1)
        vertices += self.normals[kept] * missing.clip(0)[:, None]
        return Surface(vertices, faces, self.body.weights[kept])


def hung(shape: np.ndarray, on: np.ndarray, line: tuple[np.ndarray, np.ndarray], loose: float) -> np.ndarray:
    """Let cloth hang: away from a line's start it narrows less than the body does.

    Args:
        shape: ``(V, 3)``.
        on: which of these vertices hang.
        line: start and end of the limb's axis.
        loose: 0 leaves the shape, 1 keeps the widest that was passed.
    """
    start, end = line
    axis = (end - start) / np.linalg.norm(end - start)
    across = np.cross(axis, [0.0, 0.6, 0.8] if abs(axis[0]) > 0.5 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    place = shape[on] - start
    along = place @ axis
    outward = place - along[:, None] * axis
    radius = np.linalg.norm(outward, axis=1)
    angle = np.arctan2(outward @ np.cross(axis, across), outward @ across)
    column = ((angle / (2 * np.pi) % 1) * _ANGLES).astype(int) % _ANGLES
    level = np.clip((along - along.min()) / max(np.ptp(along), 1e-6) * _LEVELS, 0, _LEVELS - 1).astype(int)
    widest = np.zeros((_LEVELS, _ANGLES))
    np.maximum.at(widest, (level, column), radius)
    # What hangs down keeps a width, and slowly falls in.
    for step in range(1, _LEVELS):
        widest[step] = np.maximum(widest[step], 0.985 * widest[step - 1])
    hanging = np.maximum(widest[level, column], radius)
    drop = np.clip(along / np.linalg.norm(end - start), 0, 1)
    result = shape.copy()
    growth = 1 + loose * drop**0.5 * (hanging / radius.clip(1e-6) - 1).clip(0, 1.2)
    result[on] = start + along[:, None] * axis + outward * growth[:, None]
    return result


def smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Move each vertex half way to its neighbours' mean; those of a hem look along the hem only."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    edges, uses = np.unique(edges, axis=0, return_counts=True)
    hem = np.zeros(len(vertices), bool)
    hem[edges[uses == 1]] = True
    source, target = np.concatenate([edges, edges[:, ::-1]]).T
    # An inner vertex looks at all its neighbours, a hem's only at the hem.
    looks = ~hem[target] | np.concatenate([uses == 1, uses == 1])
    source, target = source[looks], target[looks]
    count = np.bincount(target, minlength=len(vertices))[:, None]
    for _ in range(rounds):
        total = np.stack([np.bincount(target, vertices[source, axis], len(vertices)) for axis in range(3)], 1)
        vertices = np.where(count > 0, 0.5 * vertices + 0.5 * total / count.clip(1), vertices)
    return vertices
