"""The camera's depth of field blurs a plate's plane, which stands right before it."""

from .camera_plane import DEPTH

# Pixels of the render over which a point of the plate may spread unseen.
_SHARP = 1.0


def blur(scene, plane) -> float:
    """Over how many pixels of the render's width the camera spreads a point of the plane; 0 without depth of
    field.

    From a distance d, seen through an aperture of diameter A that is focused on f, a point spreads over
    A · |f − d| / f of the plane, of which the frame shows d · sensor / lens.
    """
    camera = plane.parent.data
    if not camera.dof.use_dof:
        return 0.0
    # Lens and sensor are in millimetres.
    aperture = camera.lens / 1000 / camera.dof.aperture_fstop
    distance, focus = plane[DEPTH], focus_distance(plane.parent)
    spread = aperture * abs(focus - distance) / max(focus, 1e-6)
    width = scene.render.resolution_x * scene.render.resolution_percentage / 100
    return spread / (distance * camera.sensor_width / camera.lens) * width


def blurred(scene, plane) -> bool:
    """Whether it can be seen."""
    return plane.parent is not None and blur(scene, plane) > _SHARP


def focus_distance(camera) -> float:
    """Along the camera's axis to what it is focused on."""
    target = camera.data.dof.focus_object
    if target is None:
        return camera.data.dof.focus_distance
    to_camera = camera.matrix_world.to_translation() - target.matrix_world.to_translation()
    return abs(to_camera.dot(camera.matrix_world.to_3x3().col[2].normalized()))
