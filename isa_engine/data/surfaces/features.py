"""Features painted on the skin of the open body, where its surface is at rest: brows, lids, irises, lips,
nostrils, nails. They move as the skin does that they are painted on.

S samples; places in metres, SMPL-X's axes. The measures are those of MakeHuman's mean face, so they fit
this mesh alone.
"""

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.surfaces.skinned import Patch

IRISES = np.array(
    [[0.22, 0.13, 0.06], [0.12, 0.07, 0.04], [0.25, 0.42, 0.62], [0.30, 0.42, 0.25], [0.45, 0.45, 0.42]]
)
_HEAD, _EYES = (15, 22), (23, 24)
_FINGERTIPS = (27, 30, 33, 36, 39, 42, 45, 48, 51, 54)
# Half an opened eye, where the mouth's line and its corners are, and where brows begin and end.
_EYE_WIDTH, _EYE_ABOVE, _EYE_BELOW = 0.0135, 0.0045, 0.0040
_MOUTH_HEIGHT, _MOUTH_WIDTH, _UPPER_LIP, _LOWER_LIP = 0.2195, 0.0225, 0.0098, 0.0118
_BROW_INNER, _BROW_OUTER, _BROW_HEIGHT = 0.013, 0.051, 0.3075


class Features:
    """One person's face and nails.

    Args:
        skin: ``(3,)`` its colour.
        hair: ``(3,)`` colour of brows and beard.
    """

    def __init__(self, random: np.random.Generator, skin: np.ndarray, hair: np.ndarray):
        self.iris = IRISES[random.integers(len(IRISES))] * random.uniform(0.7, 1.2)
        self.brow = hair * 0.7
        self.brow_width, self.brow_arch = random.uniform(0.0025, 0.0052), random.uniform(0.0, 0.006)
        painted = random.random() < 0.25
        red = 0.65 * np.array([0.62, 0.1, 0.13]) * random.uniform(0.7, 1.2) + 0.35 * skin
        natural = skin * np.array([0.9, 0.62, 0.6])
        self.lips = red if painted else natural
        self.lashes = random.uniform(0.5, 1.0) if painted else random.uniform(0.25, 0.6)
        self.shadow = np.array([*random.uniform(0.1, 0.6, 3)]) if painted and random.random() < 0.5 else None
        self.beard, self.stubble = hair, 0.0
        if not painted and random.random() < 0.35:
            self.stubble = random.uniform(0.2, 1.0)
        self.blush = random.uniform(0.0, 0.12)
        self.nails = random.uniform(0.2, 1, 3) if painted else np.clip(skin * 1.05 + 0.1, 0, 1)

    def paint(self, patch: Patch, joints: Tensor, colour: Tensor) -> Tensor:
        """Skin ``(S, 3)`` with features on it.

        Args:
            joints: ``(J, 3)`` of the body at rest.
        """
        place, normal, limb = patch.place, patch.normals, patch.limb
        colour = colour.clone()
        face = (torch.isin(limb, limb.new_tensor(_HEAD)) & (place[:, 2] > 0.08)).nonzero()[:, 0]
        if len(face):
            colour[face] = self._face(place[face], normal[face], colour[face])
        eyes = torch.isin(limb, limb.new_tensor(_EYES)).nonzero()[:, 0]
        if len(eyes):
            colour[eyes] = self._eye(place[eyes] - joints[limb[eyes]])
        tips = torch.isin(limb, limb.new_tensor(_FINGERTIPS)).nonzero()[:, 0]
        if len(tips):
            beyond = (place[tips] - joints[limb[tips]]).norm(dim=-1)
            # The back of a hand looks up in the T pose.
            nail = ((beyond - 0.012) / 0.003).clamp(0, 1) * ((normal[tips, 1] - 0.55) / 0.15).clamp(0, 1)
            colour[tips] = torch.lerp(colour[tips], colour.new_tensor(self.nails), nail[:, None])
        return colour

    def _eye(self, place: Tensor) -> Tensor:
        """Places on an eyeball from its centre: white, iris, pupil."""
        reach = place[:, :2].norm(dim=-1) + (place[:, 2] < 0) * 1.0
        white, iris, pupil = (
            place.new_tensor(c) for c in ((0.86, 0.85, 0.83), self.iris, (0.02, 0.02, 0.02))
        )
        colour = torch.lerp(white, iris, _inside(reach, 0.0072, 0.0012)[:, None])
        # Irises have a dark rim.
        rim = _inside((reach - 0.0068).abs(), 0.0007, 0.0006)
        colour = colour * (1 - 0.6 * rim)[:, None]
        return torch.lerp(colour, pupil, _inside(reach, 0.0031, 0.0008)[:, None])

    def _face(self, place: Tensor, normal: Tensor, colour: Tensor) -> Tensor:
        x, y, z = place[:, 0].abs(), place[:, 1], place[:, 2]
        face = _Face(colour, z > 0.12)
        self._paint_skin(face, x, y)
        self._paint_lashes(face, x, y)
        self._paint_brows(face, x, y)
        nostril = _inside(((x - 0.0075) ** 2 / 2 + (y - 0.2425) ** 2).sqrt(), 0.0022, 0.002)
        face.paint(nostril * (normal[:, 1] < -0.2) * 0.8, np.array([0.08, 0.04, 0.03]))
        self._paint_lips(face, x, y)
        # Behind the lips, the dark of the mouth.
        depth = 0.1555 - 0.007 * (x / _MOUTH_WIDTH) ** 2
        height = y - _MOUTH_HEIGHT
        hollow = (x < 0.024) & (height.abs() < 0.02) & (z < depth) & (normal[:, 2] < 0.6)
        mouth = colour.new_tensor([0.16, 0.04, 0.04])
        return torch.where((hollow & (z > 0.08))[:, None], mouth, face.colour)

    def _paint_skin(self, face: "_Face", x: Tensor, y: Tensor) -> None:
        """Cheeks, hollows, beard, and what is painted above the eyes."""
        cheek = _inside(((x - 0.042) ** 2 + (y - 0.252) ** 2).sqrt(), 0.012, 0.02)
        face.paint(cheek * self.blush, np.array([0.75, 0.2, 0.2]))
        # Sockets, beside the nose, and under the lower lip: where a face is hollow, little sky gets in.
        across, up = (x - 0.0295) / 0.02, (y - 0.289) / 0.012
        face.darken(0.28 * (1 - across**2 - up**2).clamp(0, 1))
        face.darken(0.2 * _inside(((x - 0.018) ** 2 + (y - 0.246) ** 2).sqrt(), 0.003, 0.005))
        face.darken(0.18 * _inside((y - 0.2045).abs() + 0.15 * x, 0.002, 0.005))
        # Lip, jaw and chin, lower towards the ears.
        limit = 0.2335 - 0.3 * (x - 0.022).clamp_min(0)
        beard = ((limit - y) / 0.008).clamp(0, 1) * ((y - 0.165) / 0.01).clamp(0, 1)
        if self.stubble:
            face.paint(beard * self.stubble * 0.75, self.beard)
        if self.shadow is not None:
            face.paint(0.6 * (1 - across**2 - ((y - 0.294) / 0.007) ** 2).clamp(0, 1), self.shadow)

    def _paint_lashes(self, face: "_Face", x: Tensor, y: Tensor) -> None:
        """Where lids end."""
        across = (x - 0.0295) / _EYE_WIDTH
        centre = 0.2868 - 0.0012 * across
        height = torch.where(y > centre, _EYE_ABOVE, _EYE_BELOW) * (1 - across**2).clamp_min(0)
        edge = ((y - centre).abs() - height).abs()
        inside_width = across.abs() < 1.12
        upper = torch.where(y > centre, 1.0, 0.4)
        lash = _inside(edge, 0.0011, 0.0012) * inside_width * upper
        face.paint(lash * self.lashes, np.array([0.04, 0.03, 0.03]))

    def _paint_brows(self, face: "_Face", x: Tensor, y: Tensor) -> None:
        along = (x - _BROW_INNER) / (_BROW_OUTER - _BROW_INNER)
        middle = _BROW_HEIGHT + self.brow_arch * 4 * along * (1 - along) - 0.003 * along**2
        width = self.brow_width * (1.1 - 0.7 * along.clamp(0, 1))
        within = ((along > 0) & (along < 1)).to(y.dtype)
        face.paint(_inside((y - middle).abs(), width, 0.0015) * within * 0.9, self.brow)

    def _paint_lips(self, face: "_Face", x: Tensor, y: Tensor) -> None:
        """And the line between them."""
        aside, height = x / _MOUTH_WIDTH, y - _MOUTH_HEIGHT
        fullness = (1 - aside**2).clamp_min(0)
        # Cupid's bow.
        upper = _UPPER_LIP * fullness.sqrt() * (1 - 0.22 * (1 - (x / 0.006)).clamp(0, 1))
        lower = _LOWER_LIP * fullness.sqrt()
        lip = ((torch.where(height > 0, upper, lower) - height.abs()) / 0.0015 + 0.5).clamp(0, 1)
        face.paint(lip * (aside < 1), self.lips)
        line = _inside(height.abs(), 0.0006, 0.0012) * _inside(x, _MOUTH_WIDTH - 0.001, 0.002)
        face.darken(0.55 * line)


class _Face:
    """A face that is painted on, one thing over the other.

    Args:
        colour: ``(S, 3)``.
        front: ``(S,)`` bool, what of it can be painted on.
    """

    def __init__(self, colour: Tensor, front: Tensor):
        self.colour, self.front = colour, front

    def paint(self, amount: Tensor, stuff: np.ndarray) -> None:
        """A colour ``(3,)``, which covers so much ``(S,)``."""
        cover = (amount * self.front)[:, None].clamp(0, 1)
        self.colour = torch.lerp(self.colour, self.colour.new_tensor(stuff), cover)

    def darken(self, amount: Tensor) -> None:
        """By a share ``(S,)`` of its light."""
        self.colour = self.colour * (1 - amount * self.front)[:, None]


def _inside(distance: Tensor, radius: float | Tensor, soft: float) -> Tensor:
    """1 within the radius, 0 where it is passed by ``soft``."""
    return ((radius - distance) / soft + 1).clamp(0, 1)
