"""Faces and hands that move: moods, speech, blinks and glances, and fingers from fist to spread.

F frames, E expression components of the open body.
"""

import numpy as np

from isa_engine.body.model.wardrobe import expression_names

# What faces do: components of MakeHuman's face units, both sides where there are two, and how far the jaw
# opens, radians.
_MOODS = {
    "rest": ({}, 0.0),
    "smile": ({"mouthSmile": 1.0, "cheekSquint": 0.5, "eyeSquint": 0.2}, 0.03),
    "laugh": ({"mouthSmile": 1.0, "cheekSquint": 0.8, "eyeSquint": 0.5, "mouthUpperUp": 0.5}, 0.28),
    "sad": ({"mouthFrown": 0.9, "browInnerUp": 0.9}, 0.0),
    "angry": ({"browDown": 1.0, "noseSneer": 0.7, "mouthPress": 0.6, "eyeSquint": 0.4}, 0.0),
    "shout": ({"browDown": 0.6, "noseSneer": 0.5, "mouthUpperUp": 0.7, "mouthLowerDown": 0.6}, 0.38),
    "surprise": ({"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 1.0}, 0.25),
    "kiss": ({"mouthPucker": 1.0}, 0.0),
}
_SPEECH = ({"mouthFunnel": 0.6}, {"mouthStretch": 0.7}, {"mouthPucker": 0.6}, {"mouthLowerDown": 0.5})


def random_face(random: np.random.Generator, frames: int, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """A face that passes from one mood to another, perhaps speaks, blinks and looks about.

    Returns:
        Expression ``(F, E)``, and rotations ``(F, 3, 3)`` axis-angle of the jaw and both eyes.
    """
    time = np.arange(frames) / fps
    first, second = (_weights(*_MOODS[name]) for name in random.choice(list(_MOODS), 2))
    passing = _passing(random, time)[:, None]
    strength = random.uniform(0.5, 1.1)
    face = strength * (first * (1 - passing) + second * passing)
    if random.random() < 0.4:
        for sound in _SPEECH:
            beat = np.sin(2 * np.pi * random.uniform(1.5, 4) * time + random.uniform(0, 2 * np.pi))
            face += (
                _weights(sound, random.uniform(0.02, 0.14)) * beat.clip(0)[:, None] * random.uniform(0.4, 1)
            )
    # A blink takes a fifth of a second, every few seconds.
    since = (time + random.uniform(0, 4)) % random.uniform(1.5, 5)
    closed = 1 - np.abs(since / 0.1 - 1).clip(0, 1)
    if random.random() < 0.05:
        closed[:] = 1
    face += _weights({"eyeBlink": 1.0}, 0.0) * closed[:, None]
    rotations = np.zeros((frames, 3, 3))
    rotations[:, 0, 0] = face[:, -1].clip(-0.02, 0.42)
    glance = random.normal(0, (0.12, 0.25), (2, 2))
    look = glance[0] + (glance[1] - glance[0]) * (_passing(random, time)[:, None] > 0.5)
    rotations[:, 1:, :2] = look[:, None]
    return face[:, :-1].clip(0, 1.2), rotations


def random_hands(random: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Rotations ``(F, 30, 3)`` axis-angle of the fingers, left hand first, from one pose to another."""
    time, fingers = np.arange(frames) / fps, np.zeros((frames, 30, 3))
    for hand, side in enumerate((1.0, -1.0)):
        poses = np.stack([_hand(random) for _ in range(2)]) * [1.0, side, side]
        passing = _passing(random, time)[:, None, None]
        fingers[:, 15 * hand : 15 * (hand + 1)] = poses[0] * (1 - passing) + poses[1] * passing
    return fingers


def _hand(random: np.random.Generator) -> np.ndarray:
    """One pose ``(15, 3)`` of a left hand: index, middle, pinky, ring, thumb, three joints each."""
    pose = random.normal(0, 0.06, (5, 3, 3))
    kind = random.random()
    if kind < 0.35:  # relaxed
        curl = random.uniform(0.15, 0.5) * np.ones(5)
    elif kind < 0.55:  # open, fingers spread
        curl = random.uniform(-0.1, 0.1) * np.ones(5)
    elif kind < 0.75:  # a fist
        curl = random.uniform(1.0, 1.4) * np.ones(5)
    else:  # some point, some are bent: signs, numbers, a grip
        curl = random.choice([0.0, 0.5, 1.3], 5)
    pose[:4, :, 2] -= curl[:4, None]
    spread = random.uniform(0.0, 0.25) * (curl.mean() < 0.6)
    pose[:4, 0, 1] += spread * np.array([-1.0, -0.3, 1.3, 0.5])
    pose[4, :, 1] -= 0.5 * curl[4]
    pose[4, 0, 2] -= 0.2 * curl[4]
    return pose.reshape(15, 3)


def _passing(random: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """``(F,)`` from 0 to 1 and back, smoothly, once in a few seconds, from anywhere."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * random.uniform(0.1, 0.7) * time + random.uniform(0, 2 * np.pi))


def _weights(units: dict[str, float], jaw: float) -> np.ndarray:
    """``(E + 1,)``: the components of these units on both sides, and the jaw."""
    names = expression_names()
    weights = np.zeros(len(names) + 1)
    for unit, weight in units.items():
        for name in (unit, f"{unit}Left", f"{unit}Right"):
            if name in names:
                weights[names.index(name)] = weight
    weights[-1] = jaw
    return weights
