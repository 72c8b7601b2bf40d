"""Strands of hair: curves that grow out of the scalp and fall, carried by the head.

SMPL-X space at rest, as in ``garments``.
"""

from dataclasses import dataclass

import numpy as np

from isa_engine.geometry.surface import area_vectors

from .garments import Tailor

STEPS = 7


@dataclass(frozen=True)
class Style:
    """How somebody wears the hair.

    Attributes:
        length: metres of a strand; 0 for a shaven head.
        thickness: metres that the cap below the strands stands off.
        brow, nape: where hair begins above the eyes, and ends below them.
        lift: how far strands rise before they fall.
    """

    length: float
    thickness: float
    brow: float
    nape: float
    lift: float


def random_style(random: np.random.Generator) -> Style:
    length = float(random.choice([0.012, 0.03, 0.06, 0.14, 0.26, 0.38], p=[0.15, 0.2, 0.2, 0.15, 0.2, 0.1]))
    return Style(
        length=length * random.uniform(0.8, 1.2),
        thickness=float(min(0.006 + 0.25 * length, 0.024) * random.uniform(0.8, 1.2)),
        brow=float(random.uniform(0.045, 0.065)),
        nape=float(random.uniform(0.05, 0.075)),
        lift=float(random.uniform(0.2, 0.9)),
    )


def strands(tailor: Tailor, style: Style, count: int, random: np.random.Generator) -> np.ndarray:
    """Points of strands ``(count, STEPS, 3)`` from root to tip, none inside the head, neck or shoulders."""
    on = tailor.on_scalp(style.brow, style.nape)
    faces = tailor.body.faces[on[tailor.body.faces].all(1)]
    area = np.linalg.norm(area_vectors(tailor.skin, faces), axis=1)
    face = faces[random.choice(len(faces), count, p=area / area.sum())]
    share = random.dirichlet([1, 1, 1], count)[..., None]
    root, normal = (tailor.skin[face] * share).sum(1), (tailor.normals[face] * share).sum(1)

    head = tailor.joints["head"] + [0, 0.06, 0]
    swept = np.array([0.0, -0.2, -0.5]) + random.normal(0, 0.1, 3)
    heading = normal * (0.4 + style.lift) + swept + random.normal(0, 0.18, root.shape)
    step = style.length * random.uniform(0.75, 1.1, (count, 1)) / (STEPS - 1)
    points = [root]
    for _ in range(STEPS - 1):
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        place = points[-1] + heading * step
        # Fall, and slide down whatever is in the way.
        heading = heading + np.array([0, -1.0, 0]) * np.minimum(step / 0.02, 1) * 0.75
        for centre, radius in (
            (head, np.array([0.088, 0.115, 0.105]) + 0.5 * style.thickness),
            (tailor.joints["neck"] + [0, 0.02, -0.01], np.array([0.07, 0.16, 0.075])),
            (tailor.joints["spine3"] + [0, 0.11, 0.0], np.array([0.23, 0.13, 0.13])),
        ):
            away = (place - centre) / radius
            depth = np.linalg.norm(away, axis=1, keepdims=True)
            place = np.where(depth < 1, centre + away / depth.clip(1e-6) * radius, place)
        points.append(place)
    return np.stack(points, 1)
