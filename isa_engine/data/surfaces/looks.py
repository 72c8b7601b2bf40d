"""Looks: what a synthetic person wears, as colour and thickness of surface samples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.scenario.split import Split
from isa_engine.data.surfaces.patterns import Pattern, random_colours
from isa_engine.data.surfaces.skinned import Patch

SKIN = np.array([[0.93, 0.76, 0.65], [0.80, 0.58, 0.44], [0.58, 0.38, 0.26], [0.33, 0.20, 0.14]])
HAIR = np.array(
    [[0.05, 0.04, 0.03], [0.25, 0.14, 0.07], [0.62, 0.45, 0.22], [0.55, 0.52, 0.5], [0.45, 0.12, 0.05]]
)

# Joints by what covers their skin; sleeves and legs end somewhere along a limb.
_HEAD, _NECK, _EYES = (15, 22), (12,), (23, 24)
_TORSO, _HIPS = (3, 6, 9, 13, 14), (0,)
_THIGHS, _FEET = (1, 2), (7, 8, 10, 11)
_ARMS, _LEGS = ((16, 18, 20), (17, 19, 21)), ((1, 4, 7), (2, 5, 8))


@dataclass(frozen=True)
class Look:
    """What somebody wears, as functions of a patch of surface, so that only what is drawn is dressed.

    Attributes:
        colour: gives ``(S, 3)`` in [0, 1].
        thickness: gives ``(S,)`` metres that cloth and hair stand off the skin.
        garments: the top's and the bottom's pattern, of ``patterns.KINDS``.
        worn: gives ``(S,)`` bool, what of a patch there is; all if None.
        relief: gives ``(S, 3)`` slopes of cloth, at rest, that tilt its normals; smooth if None.
        hanging: gives ``(S,)`` frames that cloth and hair lag behind the body; nothing does if None.
    """

    colour: Callable[[Patch], Tensor]
    thickness: Callable[[Patch], Tensor]
    garments: tuple[str, str]
    worn: Callable[[Patch], Tensor] | None = None
    relief: Callable[[Patch], Tensor] | None = None
    hanging: Callable[[Patch], Tensor] | None = None


@dataclass(frozen=True)
class Layer:
    """One layer of a person's clothes, hair or skin.

    Attributes:
        where: ``(S,)`` bool, the samples that it covers.
        stuff: one colour ``(3,)``, or a pattern over places at rest.
        stand_off: metres that it stands off the skin.
    """

    where: Tensor
    stuff: np.ndarray | Pattern
    stand_off: float


class Outfit:
    """Skin, hair, a top with sleeves of some length, trousers, shorts or a skirt, shoes: drawn at random
    once, put on any patch of its surface.

    Args:
        joints: ``(J, 3)`` of the body at rest.
        split: whose combinations of garments to choose from.
    """

    def __init__(self, joints: Tensor, random: np.random.Generator, split: Split):
        self.joints = joints
        self.skin = SKIN[random.integers(len(SKIN))] * random.uniform(0.85, 1.08, 3)
        self.top, self.bottom = Pattern(random, (0.05, 0.3)), Pattern(random, (0.05, 0.4))
        while not split.owns_look(self.top.kind, self.bottom.kind):
            self.top, self.bottom = Pattern(random, (0.05, 0.3)), Pattern(random, (0.05, 0.4))
        self.loose = float(random.uniform(0.003, 0.02))
        # Ends of sleeves and legs in limbs from the shoulder and the hip.
        self.sleeve = float(random.choice([0.0, 0.5, 1.0, 1.6, 2.0]))
        self.leg = float(random.choice([0.35, 0.8, 1.5, 2.0], p=[0.15, 0.2, 0.15, 0.5]))
        self.one_piece = random.random() < 0.3
        self.shoes = random_colours(random, 1)[0]
        self.hairline = float(random.uniform(-0.08, 0.09))
        self.hair: np.ndarray | None = None
        if random.random() < 0.92:
            natural = random.random() < 0.85
            shade = HAIR[random.integers(len(HAIR))] if natural else random_colours(random, 1)[0]
            self.hair = shade * random.uniform(0.7, 1.2)
            self.hair_thickness = float(random.uniform(0.005, 0.035))

    @property
    def look(self) -> Look:
        return Look(self.colour, self.thickness, (self.top.kind, self.bottom.kind))

    def colour(self, patch: Patch) -> Tensor:
        """As ``Look.colour``."""
        colour = patch.place.new_tensor(self.skin).expand(len(patch), 3).clone()
        self.put_on(patch, colour)
        return colour.clamp(0, 1)

    def put_on(self, patch: Patch, colour: Tensor) -> None:
        """Layers over ``(S, 3)``, in place."""
        for layer in self.layers(patch):
            if isinstance(layer.stuff, Pattern):
                colour[layer.where] = layer.stuff(patch.place[layer.where])
            else:
                colour[layer.where] = colour.new_tensor(layer.stuff)

    def thickness(self, patch: Patch) -> Tensor:
        """As ``Look.thickness``."""
        thickness = patch.place.new_zeros(len(patch))
        for layer in self.layers(patch):
            thickness[layer.where] = layer.stand_off
        return thickness

    def layers(self, patch: Patch) -> list[Layer]:
        """What is worn on the skin, from below to above."""
        place, limb = patch.place, patch.limb
        joints = self.joints
        of_limb = torch.arange(len(joints), device=limb.device)

        def on(*parts: tuple[int, ...]) -> Tensor:
            return torch.isin(of_limb, of_limb.new_tensor(sum(parts, ())))[limb]

        def along(start: int, end: int) -> Tensor:
            """0 at the limb's joint and 1 at the next one."""
            axis = joints[end] - joints[start]
            return ((place - joints[start]) @ axis) / (axis @ axis)

        layers = [
            Layer(on(_EYES), np.array([0.06, 0.05, 0.05]), 0.0),
            Layer(on(_TORSO), self.top, self.loose),
        ]
        for upper, lower, hand in _ARMS:
            layers.append(Layer((limb == upper) & (along(upper, lower) < self.sleeve), self.top, self.loose))
            reach = (limb == lower) & (along(lower, hand) + 1 < self.sleeve)
            layers.append(Layer(reach, self.top, self.loose * 0.7))
        layers.append(Layer(on(_HIPS), self.bottom, self.loose * 0.6))
        for thigh, shin, ankle in _LEGS:
            reach = (limb == thigh) & (along(thigh, shin) < self.leg)
            reach |= (limb == shin) & (along(shin, ankle) + 1 < self.leg)
            layers.append(Layer(reach, self.bottom, self.loose))
        if self.one_piece:  # a dress or an overall
            reach = on(_HIPS) | on(_THIGHS) & (place[:, 1] > joints[4, 1] + 0.1)
            layers.append(Layer(reach, self.top, self.loose * 1.5))
        layers.append(Layer(on(_FEET), self.shoes, 0.01))
        if self.hair is not None:
            height, front = place[:, 1] - joints[15, 1], place[:, 2] - joints[15, 2]
            above = height - 0.9 * front.clamp_min(-0.12) > self.hairline + 0.02
            layers.append(Layer(on(_HEAD, _NECK) & above, self.hair, self.hair_thickness))
        return layers
