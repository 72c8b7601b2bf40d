"""The scene's takes as a bundle for a render farm."""

import argparse
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from isa_engine.farm.eligibility import operating_system
from isa_engine.farm.job import OPERATING_SYSTEMS
from isa_engine.shot import Shot

from ..farm.bundle import write
from ..language.translation import said
from ..session.current import session
from ..session.reading import Reading
from .reading import ReadingOperator
from .result import Result

_SYSTEMS = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}


class Bundling(Reading):
    """As for the engine, but the shot goes into a bundle.

    Args:
        arguments: of ``farm.write``.
    """

    def __init__(self, scene, arguments: argparse.Namespace):
        self.arguments = arguments
        super().__init__(scene, anyway=True)

    def prepare(self) -> None:
        """Nothing is needed but the disk."""

    def hand_over(self, shot: Shot) -> None:
        name = Path(bpy.data.filepath).stem or bpy.path.clean_name(self.scene.name)
        template = write(name, shot, self.arguments)
        if self.arguments.takes == 1:
            note = said("1 take is in the bundle. Run it: openjd run {template}", template=template)
        else:
            note = said(
                "{count} takes are in the bundle. Run it: openjd run {template}",
                count=self.arguments.takes,
                template=template,
            )
        session().say(note, self.scene)


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
    window: IntProperty(name="Window", description="Frames that one task decodes", default=64, min=1)
    untrained: BoolProperty(name="Untrained", description="Let workers without the model's weights work, too")

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("The scene is being read")
        return not session().busy

    def begin(self, context) -> Reading:
        options = {name: getattr(self, name) for name in ("takes", "gpus", "os", "window", "untrained")}
        out = Path(bpy.path.abspath(self.directory)).absolute()
        return Bundling(context.scene, argparse.Namespace(out=out, **options))

    def invoke(self, context, _event) -> Result:
        self._chosen = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context) -> Result:
        # From a script there is nobody to wait for; after the file browser Blender goes on.
        if not getattr(self, "_chosen", False):
            return self.finish(context)
        return ReadingOperator.invoke(self, context, None)


CLASSES = (ISA_OT_write_farm_bundle,)
