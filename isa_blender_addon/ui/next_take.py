"""The next take: its button, what goes on, and what there is to say of it."""

import bpy

from .. import plate
from ..language.translation import words
from ..session.current import session
from ..session.generating import expected
from ..session.reading.readiness import obstacle
from ..settings.cast import playing
from .bar import draw_bar
from .duration import duration
from .engine import draw_engine
from .messages import draw_messages, messages
from .presets import draw_presets
from .sidebar import InSidebar


class ISA_PT_generate(InSidebar, bpy.types.Panel):
    # With a header: behind a panel that has none Blender draws no ground, and its words stand on the scene.
    bl_label = "Next Take"
    bl_order = 0

    def draw(self, context) -> None:
        layout, now, scene = self.layout, session(), context.scene
        problem = obstacle(scene)
        absent = now.engine.status().state == "absent"
        both = layout.row(align=True)
        both.scale_y = 1.6
        both.enabled = problem is None
        row = both.row(align=True)
        row.enabled = not absent
        text = words("Generate Anyway" if now.held else "Generate")
        # Before anything is known of the engine it would be a guess.
        if problem is None and now.engine.health and playing(scene):
            text += duration(sum(expected(now, scene).values()))
        button = row.operator("isa.generate", text=text, translate=False, icon="RENDER_ANIMATION")
        button.anyway = now.held
        both.operator("isa.check_shot", text="", icon="CHECKMARK")
        draw_bar(layout)
        draw_presets(context, layout)
        seed = layout.row(align=True)
        seed.prop(scene.isa, "seed")
        # The die of Blender's own icons.
        seed.operator("isa.roll_seed", text="", icon="FILE_REFRESH")
        draw_view(scene, layout)
        if absent:
            draw_engine(context, layout)
        draw_messages(context, layout, messages(problem))


def draw_view(scene, layout) -> None:
    """What the camera's view shows of stage and plate; nothing where there is no plate."""
    if not plate.files(scene):
        return
    column = layout.column(align=True)
    column.row(align=True).prop(scene.isa, "view", expand=True)
    if scene.isa.view == "BOTH":
        column.prop(scene.isa, "opacity", slider=True)


CLASSES = (ISA_PT_generate,)
