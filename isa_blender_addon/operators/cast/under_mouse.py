"""Who of the cast is under the mouse, for what is dropped there."""

from bpy_extras.view3d_utils import region_2d_to_origin_3d, region_2d_to_vector_3d

from ...scene.characters import nobody_plays
from ...settings.cast import member_of, refresh_cast


def dropped_on(context, event):
    """The member of the cast whose body is under the mouse in the 3D viewport, else the list's active one.

    Raises:
        SceneError: there is nobody in the cast.
    """
    scene = context.scene
    refresh_cast(scene)
    isa = scene.isa
    if not isa.cast:
        raise nobody_plays(scene)
    item = _object_under(context, event.mouse_x, event.mouse_y)
    member = member_of(scene, item) if item else None
    return member or isa.cast[max(isa.cast_index, 0)]


def _object_under(context, x: int, y: int):
    """The object that the 3D viewport shows there; None beside all, and in its sidebar."""
    area = context.area
    if area is None or area.type != "VIEW_3D":
        return None
    regions = [region for region in area.regions if _inside(region, x, y)]
    if [region.type for region in regions] != ["WINDOW"]:
        return None
    (region,), view = regions, area.spaces.active.region_3d
    place = x - region.x, y - region.y
    origin, way = (find(region, view, place) for find in (region_2d_to_origin_3d, region_2d_to_vector_3d))
    hit, *_, item, _ = context.scene.ray_cast(context.view_layer.depsgraph, origin, way)
    return item if hit else None


def _inside(region, x: int, y: int) -> bool:
    return 0 <= x - region.x < region.width and 0 <= y - region.y < region.height
