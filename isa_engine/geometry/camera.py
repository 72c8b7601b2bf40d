"""Projection and modelview-projection matrices.

Matrices act on column vectors and are stored row-major. The view space is OpenGL's: the camera looks
down −Z with +Y up. The world is Blender's: right-handed, Z up, metres.

Intrinsics are ``(fx, fy, cx, cy)`` in NDC units, so that a point ``(X, Y, Z)`` of view space lands at
``x_ndc = fx · X / (−Z) + cx`` and ``y_ndc = fy · Y / (−Z) + cy`` whatever the picture's size in pixels;
lens shift is ``(cx, cy)``.

Arrays are numpy's or torch's; what comes back is of the same library.
"""

import numpy as np

# Fixed clip planes, metres. z of NDC enters the positional encoding (Eq. 10), so the artist's own clip
# planes must not: they would change the video.
NEAR, FAR = 0.25, 100.0


def projection(intrinsics):
    """OpenGL projection matrices with our own clip planes.

    Args:
        intrinsics: ``(..., 4)``, see the module's docstring.

    Returns:
        ``(..., 4, 4)`` in double precision.
    """
    intrinsics = _double(intrinsics)
    fx, fy, cx, cy = (intrinsics[..., k] for k in range(4))
    matrix = getattr(intrinsics, "new_zeros", np.zeros)((*intrinsics.shape[:-1], 4, 4))
    matrix[..., 0, 0], matrix[..., 0, 2] = fx, -cx
    matrix[..., 1, 1], matrix[..., 1, 2] = fy, -cy
    matrix[..., 2, 2] = (FAR + NEAR) / (NEAR - FAR)
    matrix[..., 2, 3] = 2 * FAR * NEAR / (NEAR - FAR)
    matrix[..., 3, 2] = -1
    return matrix


def modelview_projection(intrinsics, camera_to_world):
    """M = P · V for points that are already in world coordinates (model = identity).

    Args:
        intrinsics: ``(..., 4)``.
        camera_to_world: ``(..., 4, 4)``, rigid.

    Returns:
        ``(..., 4, 4)`` in double precision.
    """
    placed = _double(camera_to_world)
    view = np.linalg.inv(placed) if isinstance(placed, np.ndarray) else placed.inverse()
    return projection(intrinsics) @ view


def _double(numbers):
    """Double precision: a torch tensor as torch's, everything else as numpy's."""
    return numbers.double() if hasattr(numbers, "double") else np.asarray(numbers, np.float64)
