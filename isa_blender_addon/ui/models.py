"""The model in the Look panel, and the list of those that the engine has."""

import bpy

from isa_engine.models import HERE, MISSING, UNTRAINED, Description

from ..language.translation import words
from ..settings.models import chosen, engine_known, look, models

_ICONS = {HERE: "CHECKMARK", MISSING: "ERROR", UNTRAINED: "QUESTION"}
_STATES = {HERE: "", MISSING: "files are missing", UNTRAINED: "no weights"}


class ISA_MT_models(bpy.types.Menu):
    bl_label = "Models"

    def draw(self, _context) -> None:
        if not engine_known():
            look()
        for name, model in models().items():
            icon = _ICONS[model.state] if engine_known() else "NONE"
            button = self.layout.operator("isa.use_model", text=line(model), translate=False, icon=icon)
            button.model = name


def line(model: Description) -> str:
    """A model in a line: its name, its licence, how its weights stand, once the engine has told."""
    # Blender's own copy of the package has none.
    state = _STATES[model.state] if engine_known() else ""
    return " · ".join(filter(None, (model.name, model.licence, state and words(state))))


def draw_model(scene, layout) -> Description | None:
    """The scene's model, and the menu of the others; the model, where it is known."""
    model = chosen(scene)
    row = layout.split(factor=0.4)
    label = row.row()
    label.alignment = "RIGHT"
    label.label(text="Model")
    icon = "ERROR" if model is None else "NONE"
    if model is not None and engine_known() and model.state != HERE:
        icon = _ICONS[model.state]
    row.menu("ISA_MT_models", text=scene.isa.model, translate=False, icon=icon)
    return model


CLASSES = (ISA_MT_models,)
