"""Camera paths: orbit, dolly, handheld, zoom and stills, always with the cast in the frame."""

import numpy as np

KINDS = ("still", "orbit", "dolly", "handheld", "zoom")


def random_camera_path(
    random: np.random.Generator, target: np.ndarray, radius: float, frames: int, fps: float, aspect: float
) -> tuple[np.ndarray, np.ndarray]:
    """A path that looks at the cast.

    Args:
        target: ``(F, 3)`` the cast's centre.
        radius: metres around it that should be in the frame.
        aspect: width over height.

    Returns:
        Intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)``, see ``geometry.camera``.
    """
    kind = str(random.choice(KINDS))
    time = np.arange(frames) / fps
    speed = random.normal()
    focal = random.uniform(1.2, 3.2) * np.ones(frames)
    if kind == "zoom":
        focal *= np.exp(0.25 * speed * (time - time.mean()))
    # NDC, on the short side, of the radius at this distance: from the whole cast to limbs out of the frame.
    fill = random.uniform(0.7, 1.35)
    distance = focal.mean() * radius / fill * np.ones(frames)
    if kind == "dolly":
        distance *= np.exp(0.2 * speed * (time - time.mean()))
    azimuth = random.uniform(0, 2 * np.pi) * np.ones(frames)
    elevation = np.clip(random.normal(0.12, 0.18), -0.12, 0.9) * np.ones(frames)
    if kind == "orbit":
        azimuth += random.normal(0, 0.5) * time
        elevation += random.normal(0, 0.05) * time
    shake = np.zeros((frames, 3))
    if kind == "handheld":
        for axis in range(3):
            rate, phase = random.uniform(1, 6, 3), random.uniform(0, 2 * np.pi, 3)
            shake[:, axis] = 0.02 * distance.mean() * np.sin(np.outer(time, rate) + phase).mean(1)

    follow = random.random() < 0.5
    look_at = (target if follow else target.mean(0, keepdims=True) * np.ones((frames, 1))) + shake
    look_at = look_at + random.normal(0, 0.08, 3) * radius
    outward = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], 1
    )
    place = (target.mean(0) if not follow else look_at) + outward * distance[:, None] + shake[:, ::-1]
    place[:, 2] = np.maximum(place[:, 2], 0.15)

    short = min(aspect, 1.0)
    intrinsics = np.zeros((frames, 4))
    intrinsics[:, 0] = focal * short / aspect
    intrinsics[:, 1] = focal * short
    return intrinsics, look_at_matrices(place, look_at, roll=random.normal(0, 0.02))


def look_at_matrices(place: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """Camera-to-world ``(F, 4, 4)`` of cameras at ``place`` that look at ``target``, both ``(F, 3)``."""
    back = place - target
    back /= np.linalg.norm(back, axis=1, keepdims=True)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(back, right)
    matrices = np.tile(np.eye(4), (len(place), 1, 1))
    matrices[:, :3, 0] = np.cos(roll) * right + np.sin(roll) * up
    matrices[:, :3, 1] = np.cos(roll) * up - np.sin(roll) * right
    matrices[:, :3, 2] = back
    matrices[:, :3, 3] = place
    return matrices
