"""A plane that exactly fills its camera's frame, with the movie on it.

Drivers hold it there through animated lens, shift, sensor and render size. Their expressions are *simple* in
Blender's sense: evaluated without Python, so they work in files whose scripts are not trusted.

With ``s`` the sensor's size along the fitted side and ``d`` the distance, the frame's fitted side is
``d·s/lens`` long; shift is counted in that length. A camera's scale moves its children but not its view, so
the plane divides it out.
"""

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .cameras import camera_segments
from .colour import drive_by_exposure, rendered_space, set_space
from .movie import NAME, PLATE_PROPERTY, discard, hand_over, load_movie, show_from
from .parting import follows, other_scenes, part_planes

DEPTH = "isa_depth"
MATTE = "isa_matte"

_WIDTH, _HEIGHT = "(trunc(rx*pc/100)*ax)", "(trunc(ry*pc/100)*ay)"
_FITTED = "d*(sh if fit==2 else sw)/lens"
_WIDE = f"(fit==1 or (fit==0 and {_WIDTH}>={_HEIGHT}))"
_EXPRESSIONS = (
    ("location", 0, f"sx*{_FITTED}/s"),
    ("location", 1, f"sy*{_FITTED}/s"),
    ("location", 2, "-d/s"),
    ("scale", 0, f"{_FITTED}*(1 if {_WIDE} else {_WIDTH}/{_HEIGHT})/s"),
    ("scale", 1, f"{_FITTED}*({_HEIGHT}/{_WIDTH} if {_WIDE} else 1)/s"),
)
_OF_CAMERA = {
    "lens": "lens",
    "sw": "sensor_width",
    "sh": "sensor_height",
    "fit": "sensor_fit",
    "sx": "shift_x",
    "sy": "shift_y",
}
_OF_SCENE = {
    "rx": "render.resolution_x",
    "ry": "render.resolution_y",
    "pc": "render.resolution_percentage",
    "ax": "render.pixel_aspect_x",
    "ay": "render.pixel_aspect_y",
}


def import_plane(scene, video, frame_numbers, matte=None, rendered: bool = True) -> list:
    """Put the movie on a plane before each camera of the shot, so near that nothing of the set hides it.

    Planes before the same cameras only get the other movie, and stay as the artist has made
    them; before other cameras they are replaced and hand on their distance.

    Args:
        video: path; its first frame is that of ``frame_numbers[0]``, and it has one frame a scene frame.
        frame_numbers: ``(F,)`` scene frames.
        matte: path of the plate's matte, if there is one; kept with the plane for keying.
        rendered: else it is seen in the viewport alone.

    Returns:
        The plane objects, in the order in which their cameras are first used.

    Raises:
        SceneError: the movie cannot be read, or there is no camera; nothing is changed then.
    """
    segments = camera_segments(scene, frame_numbers)
    image = load_movie(video)
    set_space(image, rendered_space(scene))
    matte = load_movie(matte) if matte and Path(matte).is_file() else None
    first_frame = int(frame_numbers[0])
    before = {plane.parent: plane for plane in planes(scene)}
    ours = [plane for plane in before.values() if _is_own(plane, scene) and _movie_nodes(plane)]
    if before.keys() == segments.keys() and len(ours) == len(before):
        part_planes(ours, _planes_elsewhere(scene), scene)
        _swap(ours, image, matte, first_frame)
        result = [before[camera] for camera in segments]
    else:
        depths = {camera: plane[DEPTH] for camera, plane in before.items()}
        remove_planes(scene)
        material = _material(image, first_frame, scene)
        result = [
            _plane(scene, camera, material, matte, depths.get(camera) or _nearest(camera.data))
            for camera in segments
        ]
    for plane, shown in zip(result, segments.values(), strict=True):
        _show_only(plane, shown if len(segments) > 1 else [], first_frame, rendered)
    return result


def fit_planes(scene) -> None:
    """Read the planes' movie for the scene's view transform."""
    for image in plates(scene):
        set_space(image, rendered_space(scene))


def plates(scene) -> set:
    """The images that the planes show."""
    return {node.image for plane in planes(scene) for node in _movie_nodes(plane)}


def media(scene) -> set:
    """The images that the planes show, and their mattes."""
    return plates(scene) | {plane[MATTE] for plane in planes(scene) if plane.get(MATTE)}


def planes(scene) -> list:
    """The plane objects of this scene's plate."""
    return [item for item in scene.objects if item.get(PLATE_PROPERTY) == NAME and item.type == "MESH"]


def _is_own(plane, scene) -> bool:
    """Whether no other scene shows a plane, or it does so because it shows all that this one shows."""
    return plane.users_scene == (scene,) or follows(plane, scene)


def _planes_elsewhere(scene) -> list:
    """The plane objects of other scenes."""
    found = {plane for other in other_scenes(scene) for plane in planes(other)}
    return list(found - {*planes(scene)})


def remove_planes(scene) -> None:
    """Remove the plate's planes and what only they used; those that another scene shows stay in that one."""
    for plane in planes(scene):
        if plane.users_scene != (scene,):
            continue
        mesh, matte = plane.data, plane.get(MATTE)
        _forget_keys(plane)
        bpy.data.objects.remove(plane)
        for material in mesh.materials:
            if material is not None and material.users == 1:
                images = [node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"]
                bpy.data.materials.remove(material)
                for image in images:
                    discard(image)
        bpy.data.meshes.remove(mesh)
        discard(matte)
    collection = plate_collection(scene)
    if collection is None:
        return
    if collection in {plate_collection(other) for other in other_scenes(scene)}:
        scene.collection.children.unlink(collection)
    elif not collection.all_objects:
        bpy.data.collections.remove(collection)


def _nearest(camera) -> float:
    """Metres at which the camera just shows a plane."""
    return min(1.1 * camera.clip_start, 0.95 * camera.clip_end)


def plate_collection(scene):
    """The collection of this scene that holds its planes, or None."""
    return next((child for child in scene.collection.children if PLATE_PROPERTY in child), None)


def _collection(scene):
    collection = plate_collection(scene)
    if collection is None:
        collection = bpy.data.collections.new(NAME)
        collection[PLATE_PROPERTY] = True
        scene.collection.children.link(collection)
    return collection


def _plane(scene, camera, material, matte, depth: float):
    plane = bpy.data.objects.new(f"{NAME} {camera.name}", _square())
    _collection(scene).objects.link(plane)
    plane.data.materials.append(material)
    plane[PLATE_PROPERTY] = NAME
    plane[DEPTH] = depth
    plane.id_properties_ui(DEPTH).update(
        min=0.001, soft_max=1000.0, subtype="DISTANCE", description="Distance from the camera"
    )
    if matte:
        plane[MATTE] = matte
    plane.parent = camera
    _only_for_the_camera(plane)
    _drive(plane, camera, scene)
    return plane


def _movie_nodes(plane) -> list:
    """The nodes of the plane's material that show the plate."""
    trees = [material.node_tree for material in plane.data.materials if material and material.node_tree]
    nodes = [node for tree in trees for node in tree.nodes if node.type == "TEX_IMAGE"]
    return [node for node in nodes if node.image is not None and PLATE_PROPERTY in node.image]


def _swap(shown: list, image, matte, first_frame: int) -> None:
    nodes = [node for plane in shown for node in _movie_nodes(plane)]
    ours = nodes[0].image
    set_space(ours, image.colorspace_settings.name)
    hand_over(image, ours)
    for node in nodes:
        show_from(node.image_user, ours, first_frame)
    old = next((plane[MATTE] for plane in shown if plane.get(MATTE)), None)
    if old and matte:
        hand_over(matte, old)
    for plane in shown:
        _forget_keys(plane)
        if matte and not old:
            plane[MATTE] = matte
        elif old and not matte:
            del plane[MATTE]
    if not matte:
        discard(old)


def _square():
    """A unit square around the origin, facing +Z, its texture upright."""
    mesh = bpy.data.meshes.new(NAME)
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    mesh.from_pydata([(x - 0.5, y - 0.5, 0) for x, y in corners], [], [range(4)])
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", np.ravel(corners).astype(np.float32))
    return mesh


def _material(image, first_frame: int, scene):
    material: Any = bpy.data.materials.new(NAME)
    material.use_nodes = True
    # Solid shading shows no movie, only this colour: what stands behind is worth more than grey.
    material.diffuse_color = (1, 1, 1, 0)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture = nodes.new("ShaderNodeTexImage")
    emission = nodes.new("ShaderNodeEmission")
    output = nodes.new("ShaderNodeOutputMaterial")
    texture.location, emission.location = (-500, 0), (-200, 0)
    texture.image, texture.extension = image, "EXTEND"
    show_from(texture.image_user, image, first_frame)
    drive_by_exposure(
        material.node_tree, f'nodes["{emission.name}"].inputs[1].default_value', "pow(2,-e)", scene
    )
    links.new(texture.outputs["Color"], emission.inputs["Color"])
    links.new(emission.outputs["Emission"], output.inputs["Surface"])
    return material


def _only_for_the_camera(plane) -> None:
    """Seen by the camera alone, not by light, and out of the way of the mouse."""
    for ray in ("diffuse", "glossy", "transmission", "volume_scatter", "shadow"):
        setattr(plane, f"visible_{ray}", False)
    for probe in ("volume", "sphere", "plane"):
        setattr(plane, f"hide_probe_{probe}", True)
    plane.hide_select = True


def _drive(plane, camera, scene) -> None:
    for path, index, expression in _EXPRESSIONS:
        driver = plane.driver_add(path, index).driver
        driver.type = "SCRIPTED"
        for variable, property_path in _OF_CAMERA.items():
            _variable(driver, variable, "CAMERA", camera.data, property_path)
        for variable, property_path in _OF_SCENE.items():
            _variable(driver, variable, "SCENE", scene, property_path)
        _variable(driver, "d", "OBJECT", plane, f'["{DEPTH}"]')
        scale = driver.variables.new()
        scale.name, scale.type = "s", "TRANSFORMS"
        scale.targets[0].id = camera
        scale.targets[0].transform_type = f"SCALE_{'XYZ'[index]}"
        scale.targets[0].transform_space = "WORLD_SPACE"
        driver.expression = expression


def _variable(driver, name: str, id_type: str, owner, path: str) -> None:
    variable = driver.variables.new()
    variable.name = name
    target = variable.targets[0]
    target.id_type, target.id, target.data_path = id_type, owner, path


def _show_only(plane, segments: list[tuple[int, int]], first_frame: int, rendered: bool) -> None:
    """Hide the plane while other cameras shoot. Keys of an on-off property hold until the next.

    Args:
        segments: when its camera shoots; empty: always.
    """
    plane.hide_viewport, plane.hide_render = False, not rendered
    keys = {first_frame: True} if segments else {}
    for first, last in segments:
        keys[first], keys[last + 1] = False, True
    for path in ("hide_viewport", "hide_render") if rendered else ("hide_viewport",):
        for frame, hidden in sorted(keys.items()):
            setattr(plane, path, hidden)
            plane.keyframe_insert(path, frame=frame)


def _forget_keys(plane) -> None:
    """Remove the keys that hide the plane; its drivers stay."""
    action = plane.animation_data.action if plane.animation_data else None
    if action is not None:
        plane.animation_data.action = None
        if not action.users:
            bpy.data.actions.remove(action)
