"""The scene's takes as a bundle for a render farm."""

import argparse
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from isa_engine.errors import SceneError
from isa_engine.farm.eligibility import operating_system
from isa_engine.farm.job import OPERATING_SYSTEMS
from isa_engine.out_folder import why_closed

from ...farm.bundle import write
from ...language.translation import said
from ...session.current import session
from ...session.generating import read
from ...session.reading.reading import Reading
from ..kinds.operator import Result
from ..kinds.reading import ReadingOperator

_SYSTEMS = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}


class ISA_OT_write_farm_bundle(ReadingOperator, bpy.types.Operator):
    bl_idname = "isa.write_farm_bundle"
    bl_label = "Write Farm Bundle"
    bl_description = "Write the shot for a render farm: a folder that OpenJD, Deadline Cloud and Flamenco run"

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})
    takes: IntProperty(name="Takes", description="So many seeds, from the scene's on", default=1, min=1)
    gpus: IntProperty(name="GPUs", description="That a worker must have", default=0, min=0)
    os: EnumProperty(
        name="Workers",
        description="The system of all workers: another one's arithmetic paints other pictures",
        items=[(name, _SYSTEMS[name], "") for name in OPERATING_SYSTEMS],
        default=operating_system() if operating_system() in _SYSTEMS else "linux",
    )
    span: IntProperty(name="Span", description="Frames that one task decodes", default=64, min=1)
    untrained: BoolProperty(name="Untrained", description="Let workers without the model's weights work, too")

    def read(self, context) -> Reading:
        options = {name: getattr(self, name) for name in ("takes", "gpus", "os", "span", "untrained")}
        if not self.directory.strip():
            raise SceneError("no folder is chosen for the bundle", remedy="Choose one that workers share.")
        out = Path(bpy.path.abspath(self.directory)).absolute()
        # Before a frame is read.
        if why := why_closed(out):
            raise SceneError(
                "the folder '{folder}' cannot be written: {reason}",
                remedy="Choose another one.",
                folder=out,
                reason=why,
            )
        arguments = argparse.Namespace(out=out, **options)
        name = Path(bpy.data.filepath).stem or bpy.path.clean_name(context.scene.name)
        return read(
            session(),
            context.scene,
            lambda shot: _written(write(name, shot, arguments), self.takes),
        )

    def invoke(self, context, _event) -> Result:
        self._chosen = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context) -> Result:
        # A script waits for the bundle; after the file browser the scene is read step by step, while Blender
        # draws.
        if not getattr(self, "_chosen", False):
            return super().execute(context)
        return ReadingOperator.invoke(self, context, None)


def _written(template: Path, takes: int) -> str:
    """What there is to say of a bundle."""
    if takes == 1:
        return said("1 take is in the bundle. Run it: openjd run {template}", template=template)
    text = "{count} takes are in the bundle. Run it: openjd run {template}"
    return said(text, count=takes, template=template)


CLASSES = (ISA_OT_write_farm_bundle,)
