"""Looks: what a synthetic person wears, as colour and thickness of every surface sample."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.patterns import Pattern, random_colours
from isa_engine.data.skinned import SkinnedSurface
from isa_engine.data.split import Split

SKIN = np.array([[0.93, 0.76, 0.65], [0.80, 0.58, 0.44], [0.58, 0.38, 0.26], [0.33, 0.20, 0.14]])
HAIR = np.array(
    [[0.05, 0.04, 0.03], [0.25, 0.14, 0.07], [0.62, 0.45, 0.22], [0.55, 0.52, 0.5], [0.45, 0.12, 0.05]]
)

# Joints by what covers their skin; sleeves and legs end somewhere along a limb.
_HEAD, _NECK, _EYES = (15, 22), (12,), (23, 24)
_TORSO, _HIPS = (3, 6, 9, 13, 14), (0,)
_THIGHS, _FEET = (1, 2), (7, 8, 10, 11)


@dataclass(frozen=True)
class Look:
    """Attributes:
    colour: ``(S, 3)`` in [0, 1].
    thickness: ``(S,)`` metres that cloth and hair stand off the skin.
    garments: the top's and the bottom's pattern, of ``patterns.KINDS``.
    """

    colour: Tensor
    thickness: Tensor
    garments: tuple[str, str]


def random_look(surface: SkinnedSurface, random: np.random.Generator, split: Split) -> Look:
    """Dress a body: skin, hair, a top with sleeves of some length, trousers, shorts or a skirt, shoes.

    Args:
        split: whose combinations of garments to choose from.
    """
    place = surface.template
    device = place.device
    limb = surface.limb

    def on(joints: tuple[int, ...]) -> Tensor:
        return torch.isin(limb, torch.tensor(joints, device=device))

    def tensor(array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=device)

    colour = tensor(SKIN[random.integers(len(SKIN))] * random.uniform(0.85, 1.08, 3)).expand(len(place), 3)
    thickness = torch.zeros(len(place), device=device)

    def wear(where: Tensor, stuff: Tensor, stand_off: float) -> None:
        nonlocal colour, thickness
        colour = torch.where(where[:, None], stuff, colour)
        thickness = torch.where(where, stand_off, thickness)

    wear(on(_EYES), tensor(np.array([0.06, 0.05, 0.05])), 0.0)

    # Along the limb from its joint, 0 at the joint and 1 at the next one.
    joints = surface.joints

    def along(start: int, end: int) -> Tensor:
        axis = joints[end] - joints[start]
        return ((place - joints[start]) @ axis) / (axis @ axis)

    cloth, other_cloth = Pattern(random, (0.05, 0.3)), Pattern(random, (0.05, 0.4))
    while not split.owns_look(cloth.kind, other_cloth.kind):
        cloth, other_cloth = Pattern(random, (0.05, 0.3)), Pattern(random, (0.05, 0.4))
    top, bottom = cloth(place), other_cloth(place)
    loose = float(random.uniform(0.003, 0.02))
    wear(on(_TORSO), top, loose)
    sleeve = float(random.choice([0.0, 0.5, 1.0, 1.6, 2.0]))
    for upper, lower, hand in ((16, 18, 20), (17, 19, 21)):
        wear((limb == upper) & (along(upper, lower) < sleeve), top, loose)
        wear((limb == lower) & (along(lower, hand) + 1 < sleeve), top, loose * 0.7)

    leg = float(random.choice([0.35, 0.8, 1.5, 2.0], p=[0.15, 0.2, 0.15, 0.5]))
    wear(on(_HIPS), bottom, loose * 0.6)
    for thigh, shin, ankle in ((1, 4, 7), (2, 5, 8)):
        wear((limb == thigh) & (along(thigh, shin) < leg), bottom, loose)
        wear((limb == shin) & (along(shin, ankle) + 1 < leg), bottom, loose)
    if random.random() < 0.3:  # one piece: a dress or an overall
        wear(on(_HIPS) | on(_THIGHS) & (place[:, 1] > joints[4, 1] + 0.1), top, loose * 1.5)
    wear(on(_FEET), tensor(random_colours(random, 1)[0]), 0.01)

    head = joints[15]
    height, front = place[:, 1] - head[1], place[:, 2] - head[2]
    length = float(random.uniform(-0.08, 0.09))
    hair = on(_HEAD + _NECK) & (height - 0.9 * front.clamp_min(-0.12) > length + 0.02)
    if random.random() < 0.92:
        shade = HAIR[random.integers(len(HAIR))] if random.random() < 0.85 else random_colours(random, 1)[0]
        wear(
            hair,
            tensor(shade * random.uniform(0.7, 1.2)),
            float(random.uniform(0.005, 0.035)),
        )
    return Look(colour.clamp(0, 1), thickness, (cloth.kind, other_cloth.kind))
