"""Clothes in layers, hair and features: outfits on a surface that carries a wardrobe."""

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.scenario.split import Split
from isa_engine.data.surfaces.features import Features
from isa_engine.data.surfaces.looks import HAIR, SKIN, Layer, Look, Outfit
from isa_engine.data.surfaces.patterns import Pattern, random_colours
from isa_engine.data.surfaces.skinned import PARTS, Patch

_BODY, _HEAD, _HANDS, _SKIRT, _HAIR, _TEETH = range(len(PARTS))
_LOWER = (0, 1, 2, 4, 5)
_TRUNK, _CHEST = (0, 3, 6, 9, 13, 14), (3, 6, 9, 12, 13, 14)


class LayeredOutfit(Outfit):
    """An outfit with skin of any tone, a face, and by chance a coat, a skirt, flared trousers, a belt, a
    volume of hair. Cloth has folds, and what hangs free lags behind."""

    def __init__(self, joints: Tensor, random: np.random.Generator, split: Split):
        super().__init__(joints, random, split)
        self.skin = np.clip(
            random.dirichlet(np.full(len(SKIN), 0.5)) @ SKIN * random.uniform(0.85, 1.1), 0, 1
        )
        hair = HAIR[random.integers(len(HAIR))] if self.hair is None else self.hair
        self.features = Features(random, self.skin, hair)
        self.hairline = float(np.clip(self.hairline, -0.02, 0.06))
        # Where the neck leaves a top: its height, and how deep and wide it is cut in front.
        self.collar = float(random.uniform(0.085, 0.15))
        self.neckline = float(random.choice([0.0, 0.07, 0.14])), float(random.uniform(0.4, 1.2))
        self.skirt_hem: float | None = None
        if random.random() < 0.25:
            # Metres at rest: from above the knee to the ankle.
            self.skirt_hem = float(random.uniform(-1.1, -0.62))
            self.leg = 0.0 if random.random() < 0.7 else 2.0
            self.one_piece = False
        self.coat = Pattern(random, (0.05, 0.5)) if random.random() < 0.25 else None
        self.coat_hem = float(random.uniform(-0.95, -0.4))
        self.coat_opening = float(random.choice([0.0, 0.03, 0.07]))
        self.flare = float(random.choice([0.0, 0.02, 0.05])) if self.skirt_hem is None else 0.0
        self.belt = random_colours(random, 1)[0] if random.random() < 0.35 else None
        self.long_hair: float | None = None
        if self.hair is not None and random.random() < 0.4:
            self.long_hair = float(random.uniform(-0.1, 0.24))
        self.folds = random.uniform(0.25, 0.9)
        self.fold_waves = random.normal(size=(4, 3)) * random.uniform(40, 110, (4, 1))
        self.fold_phases = random.uniform(0, 2 * np.pi, 4)
        self.sway = float(random.uniform(0.5, 2.5))
        self._cut: tuple[Patch, list[Layer]] | None = None

    @property
    def look(self) -> Look:
        return Look(
            self.colour,
            self.thickness,
            (self.top.kind, self.bottom.kind),
            worn=self.worn,
            relief=self.relief,
            hanging=self.hanging,
        )

    def worn(self, patch: Patch) -> Tensor:
        """As ``Look.worn``: skirts end at their hem, and long hair leaves the face free."""
        part, place = patch.part, patch.place
        worn = part != _SKIRT
        if self.skirt_hem is not None:
            worn = worn | (place[:, 1] > self.skirt_hem)
        of_hair = part == _HAIR
        if self.long_hair is None:
            return worn & ~of_hair
        face = (place[:, 2] > 0.085) & (place[:, 1] < 0.335) | (place[:, 2] > 0.02) & (place[:, 1] < 0.14)
        return worn & ~(of_hair & (face | (place[:, 1] < self.long_hair)))

    def colour(self, patch: Patch) -> Tensor:
        """As ``Look.colour``; faces and hands are painted under hair and clothes."""
        place, part = patch.place, patch.part
        colour = place.new_tensor(self.skin).expand(len(place), 3).clone()
        bare = ((part == _HEAD) | (part == _HANDS)).nonzero()[:, 0]
        colour[bare] = self.features.paint(patch[bare], self.joints, colour[bare])
        self.put_on(patch, colour)
        if self.hair is not None:
            hair = self._on_hair(patch).nonzero()[:, 0]
            at = place[hair]
            # Strands fall from the crown.
            around = torch.atan2(at[:, 0], at[:, 2] - 0.04)
            wave = around * 67 + 2 * torch.sin(at[:, 1] * 40 + around * 5)
            strands = 1 + sum(0.09 * torch.sin(rate * wave + at[:, 1] * 25 * rate) for rate in (1, 2.3, 3.7))
            colour[hair] = colour[hair] * strands[:, None]
        colour[part == _TEETH] = place.new_tensor([0.88, 0.86, 0.8])
        return colour.clamp(0, 1)

    def layers(self, patch: Patch) -> list[Layer]:
        """As ``Outfit.layers``, cut once for a patch that is asked for again and again."""
        if self._cut is None or self._cut[0] is not patch:
            self._cut = patch, self._layers(patch)
        return self._cut[1]

    def _layers(self, patch: Patch) -> list[Layer]:
        place, limb, part = patch.place, patch.limb, patch.part
        # The first layer is the plain outfit's eyes, which are painted here, and the second its trunk.
        layers = [
            Layer(layer.where & (part != _TEETH), layer.stuff, layer.stand_off)
            for layer in super().layers(patch)[2:]
        ]
        chest = torch.isin(limb, limb.new_tensor(_CHEST)) & (part == _BODY)
        deep, wide = self.neckline
        height = place[:, 1] + 0.5 * (place[:, 2] - 0.03)
        cut = self.collar - (place[:, 2] > 0.03) * (deep - place[:, 0].abs() / wide).clamp_min(0)
        layers.insert(0, Layer(chest & (height < cut), self.top, self.loose))
        on_skin = part == _BODY
        lower, trunk = (torch.isin(limb, limb.new_tensor(part)) for part in (_LOWER, _TRUNK))
        if self.skirt_hem is not None:
            # What it covers at rest is of its cloth as well: a leg thrown up does not come through.
            covered = on_skin & (trunk | lower) & (place[:, 1] < -0.29) & (place[:, 1] > self.skirt_hem)
            layers.append(Layer((part == _SKIRT) | covered, self.bottom, 0.004))
        if self.belt is not None:
            layers.append(
                Layer(on_skin & trunk & ((place[:, 1] + 0.29).abs() < 0.022), self.belt, self.loose + 0.006)
            )
        if self.coat is not None:
            arms = torch.isin(limb, limb.new_tensor((16, 17, 18, 19)))
            closed = (place[:, 0].abs() > self.coat_opening) | (place[:, 2] < 0.02)
            reach = on_skin & (arms | (trunk | lower) & closed & (place[:, 1] > self.coat_hem))
            layers.append(Layer(reach, self.coat, self.loose + 0.012))
        if self.hair is not None:
            layers.append(Layer(part == _HAIR, self.hair, 0.0))
        return layers

    def thickness(self, patch: Patch) -> Tensor:
        """As ``Look.thickness``: hair begins thin at its line, flares and coats widen downwards."""
        thickness = super().thickness(patch)
        if self.hair is not None:
            height, front = patch.place[:, 1] - self.joints[15, 1], patch.place[:, 2] - self.joints[15, 2]
            above = height - 0.9 * front.clamp_min(-0.12) - self.hairline - 0.02
            of_head = (patch.part == _HEAD) & (thickness > 0)
            thickness = torch.where(of_head, thickness * (above / 0.05).clamp(0.1, 1), thickness)
        if not (self.flare or self.coat is not None):
            return thickness
        # Flares and coats widen downwards from the hips and the knees.
        place, limb = patch.place, patch.limb
        clothed = (thickness > 0) & torch.isin(limb, limb.new_tensor(_LOWER))
        below = (-0.3 - place[:, 1]).clamp_min(0)
        widening = self.flare * below.clamp(max=0.85) / 0.85
        if self.coat is not None:
            widening = widening + 0.05 * below * (place[:, 1] > self.coat_hem)
        return thickness + widening * clothed

    def relief(self, patch: Patch) -> Tensor:
        """As ``Look.relief``: crossing waves on cloth, none on skin and hair."""
        place = patch.place
        cloth = self._cloth(patch)
        waves, phases = place.new_tensor(self.fold_waves), place.new_tensor(self.fold_phases)
        phase = place @ waves.T + phases
        # Each wave of folds shifts the next, so that they are not parallel.
        phase = phase + 1.3 * torch.sin(phase.roll(1, -1) * 0.37)
        directions = torch.nn.functional.normalize(waves, dim=-1)
        slope = torch.cos(phase) @ directions * 0.5
        skirt = patch.part == _SKIRT
        if skirt.any():
            # A skirt falls in pleats about its axis, deeper towards the hem.
            around = torch.atan2(place[:, 0], place[:, 2] - 0.03)
            depth = 0.4 + 0.9 * (-0.3 - place[:, 1]).clamp(0, 0.8)
            pleat = torch.cos(around * 15 + 2 * torch.sin(around * 3 + phases[0])) * depth
            tangent = torch.stack([torch.cos(around), torch.zeros_like(around), -torch.sin(around)], -1)
            slope = torch.where(skirt[:, None], tangent * pleat[:, None], slope)
        return slope * (cloth * self.folds)[:, None]

    def hanging(self, patch: Patch) -> Tensor:
        """As ``Look.hanging``: the hem of a skirt, the ends of hair."""
        part, height = patch.part, patch.place[:, 1]
        skirt = (part == _SKIRT) * (-0.3 - height).clamp_min(0) / 0.8
        hair = (part == _HAIR) * (0.2 - height).clamp_min(0) / 0.4
        return self.sway * (skirt + hair)

    def _on_hair(self, patch: Patch) -> Tensor:
        """Painted on the head or standing off it."""
        worn = [layer.where for layer in self.layers(patch) if layer.stuff is self.hair]
        return torch.stack(worn).any(0)

    def _cloth(self, patch: Patch) -> Tensor:
        cloth = torch.zeros(len(patch), dtype=torch.bool, device=patch.limb.device)
        for layer in self.layers(patch):
            if isinstance(layer.stuff, Pattern):
                cloth |= layer.where
        return cloth
