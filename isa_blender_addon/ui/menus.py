"""Blender's own menus: by them its search (F3), shortcuts and the right mouse button find what we do."""

import bpy


class VIEW3D_MT_isa(bpy.types.Menu):
    bl_label = "ISA"

    def draw(self, context) -> None:
        layout, isa = self.layout, context.scene.isa
        layout.operator("isa.add_to_cast")
        layout.operator("isa.import_motion")
        layout.operator_menu_enum("isa.bundled_motion", "clip")
        if 0 <= isa.cast_index < len(isa.cast) and (character := isa.cast[isa.cast_index].character):
            layout.separator()
            for operator in (
                "isa.match_reference",
                "isa.open_picture",
                "isa.fit_pose",
                "isa.remove_character",
            ):
                layout.operator(operator).character = character.name_full


class VIEW3D_MT_PIE_isa(bpy.types.Menu):
    bl_label = "ISA"

    def draw(self, context) -> None:
        pie = self.layout.menu_pie()
        # Left, right, below, above, then the corners.
        pie.operator("isa.check_shot")
        pie.operator("isa.generate", icon="RENDER_ANIMATION")
        pie.operator("isa.compare_takes")
        pie.prop(context.scene.isa, "view", expand=True)
        pie.operator("isa.add_to_cast")
        pie.operator("isa.import_motion")


def _in_render(menu, _context) -> None:
    layout = menu.layout
    layout.separator()
    layout.operator("isa.generate", text="Generate Plate", icon="RENDER_ANIMATION")
    layout.operator("isa.check_shot")
    layout.operator("isa.compare_takes", text="Compare Takes")


def _in_object(menu, _context) -> None:
    menu.layout.separator()
    menu.layout.menu("VIEW3D_MT_isa")


_IN = (
    ("TOPBAR_MT_render", _in_render),
    ("VIEW3D_MT_object", _in_object),
    ("VIEW3D_MT_object_context_menu", _in_object),
)
CLASSES = (VIEW3D_MT_isa, VIEW3D_MT_PIE_isa)


def register() -> None:
    for menu, draw in _IN:
        getattr(bpy.types, menu).append(draw)


def unregister() -> None:
    for menu, draw in _IN:
        getattr(bpy.types, menu).remove(draw)
