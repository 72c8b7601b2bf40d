"""The active camera of each frame, as Blender's renderer sees it, in the engine's terms."""

from collections.abc import Sequence

import numpy as np

from isa_engine.errors import SceneError

from .timeline import render_size, view_layer

# Beyond this the camera's axes are not perpendicular, and no rigid camera shows the same picture.
_SHEAR = 1e-4
# A scale below which Blender's matrix no longer tells where the camera looks.
_FLAT = 1e-6
_OTHER_LENSES = {"ORTHO": "the camera is orthographic", "PANO": "the camera is panoramic"}


def camera_at(scene, frame: int):
    """The camera object that Blender picks at a frame.

    The latest marker at or before the frame whose camera renders; before all of these, the left-most such
    marker; without such markers, the scene's camera. Time stretching moves frames against markers.

    Raises:
        SceneError: there is none, it is not a camera, or the file that it is linked from is missing.
    """
    time, marked = _marker_time(scene, frame), _marked(scene)
    # Of markers on one frame Blender takes the first; min and max do too.
    before = [m for m in marked if m.frame <= time]
    if before:
        camera = max(before, key=lambda m: m.frame).camera
    elif marked:
        camera = min(marked, key=lambda m: m.frame).camera
    else:
        camera = scene.camera
    if camera is None:
        remedy = "Add one (Add ▸ Camera) and make it active (Ctrl Numpad 0)."
        problem = "there is no active camera in scene '{scene}'"
        raise SceneError(problem, remedy=remedy, scene=scene.name)
    # Blender before 4.4 does not tell.
    if getattr(camera, "is_missing", False):
        raise SceneError(
            "camera '{camera}' of scene '{scene}' is missing from its library '{file}'",
            remedy="Put the file there, or find it (File ▸ External Data ▸ Find Missing Files).",
            camera=camera.name,
            file=camera.library.filepath,
            scene=scene.name,
        )
    if camera.type != "CAMERA":
        remedy = "Make a camera the active one (Scene properties ▸ Camera)."
        raise SceneError(
            "'{camera}', the active camera of scene '{scene}', is not a camera",
            remedy=remedy,
            camera=camera.name,
            scene=scene.name,
        )
    return camera


def pieces(scene) -> list[int]:
    """Frames of the segments into which marker cameras cut the scene's frame range."""
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    return np.diff([0, *cuts(scene, frames), len(frames)]).tolist() if frames else []


def cuts(scene, frame_numbers: Sequence[int] | np.ndarray) -> tuple[int, ...]:
    """Where in these frames of the scene marker cameras cut, as ``Shot.cuts`` has it; cheap enough for
    drawing."""
    # Each camera is asked for once: for every frame it would take as long as a redraw may. Of markers on one
    # frame the first counts.
    cameras: dict[int, int] = {}
    for marker in _marked(scene):
        cameras.setdefault(marker.frame, marker.camera.session_uid)
    if not cameras:
        return ()
    switches = sorted(cameras)
    times = _marker_time(scene, np.asarray(frame_numbers))
    at = np.maximum(np.searchsorted(switches, times, side="right") - 1, 0)
    seen = np.array([cameras[switch] for switch in switches])[at]
    return tuple((np.flatnonzero(np.diff(seen)) + 1).tolist())


def _marked(scene) -> list:
    """The markers whose camera renders."""
    return [m for m in scene.timeline_markers if m.camera is not None and not m.camera.hide_render]


def _marker_time(scene, frame):
    """Where a frame, or each of several, lies among the markers: time stretching moves frames, and leaves
    markers."""
    render = scene.render
    old, new = np.float32(render.frame_map_old), np.float32(render.frame_map_new)
    return (np.float32(frame) * old / new).astype(int)


def evaluated_camera(scene, frame: int):
    """The camera of the scene's current frame with its animation and constraints applied.

    Args:
        frame: the current frame; the scene must be there already.

    Raises:
        SceneError: ``camera_at``'s, or the camera is not in the view layer.
    """
    camera = camera_at(scene, frame)
    if camera.name not in view_layer(scene).objects:
        raise SceneError(
            "camera '{camera}' is not in view layer '{layer}'",
            where="frame {frame}",
            remedy="Include its collection in the view layer.",
            camera=camera.name,
            layer=view_layer(scene).name,
            frame=frame,
        )
    return camera.evaluated_get(view_layer(scene).depsgraph)


def intrinsics(camera, scene, picture: tuple[int, int] | None = None) -> tuple[float, float, float, float]:
    """``(fx, fy, cx, cy)`` in NDC units (``isa_engine.geometry.camera``).

    Lens or angle, sensor size and fit, shift, pixel aspect and the render's size are all in Blender's matrix.

    Args:
        camera: evaluated camera object.
        picture: size in square pixels of what the camera has taken, where that is not the render.

    Raises:
        SceneError: the camera is not a perspective one.
    """
    if camera.data.type != "PERSP":
        problem = _OTHER_LENSES.get(camera.data.type, "the camera is not perspective")
        remedy = "Set its lens type to Perspective."
        raise SceneError(problem, where="camera '{camera}'", remedy=remedy, camera=camera.name)
    width, height = picture or render_size(scene)
    render = scene.render
    aspect_x, aspect_y = (1.0, 1.0) if picture else (render.pixel_aspect_x, render.pixel_aspect_y)
    matrix = camera.calc_matrix_camera(
        view_layer(scene).depsgraph, x=width, y=height, scale_x=aspect_x, scale_y=aspect_y
    )
    return matrix[0][0], matrix[1][1], -matrix[0][2], -matrix[1][2]


def camera_to_world(camera) -> np.ndarray:
    """``(4, 4)`` float64, rigid: the renderer ignores a camera's scale, and so does this.

    Raises:
        SceneError: parents mirror, shear or flatten the camera.
    """
    matrix = np.array(camera.matrix_world, np.float64)
    if np.linalg.norm(matrix[:3, :3], axis=0).min() < _FLAT:
        remedy = "Set the scale of the camera and its parents to 1 (Alt S)."
        problem = "the camera's scale is zero"
        raise SceneError(problem, where="camera '{camera}'", remedy=remedy, camera=camera.name)
    matrix[:3, :3] /= np.linalg.norm(matrix[:3, :3], axis=0)
    axes = matrix[:3, :3]
    if np.linalg.det(axes) < 0 or np.abs(axes.T @ axes - np.eye(3)).max() > _SHEAR:
        remedy = "Apply the scale of the camera and its parents (Ctrl A)."
        problem = "the camera's scale mirrors or shears it"
        raise SceneError(problem, where="camera '{camera}'", remedy=remedy, camera=camera.name)
    return matrix
