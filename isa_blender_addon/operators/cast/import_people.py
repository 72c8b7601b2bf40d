"""What a body tracker saw in a video, as a character for each person."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from isa_engine.body import load_body, open_body
from isa_engine.data.footage.detected import DETECTED, detected_video
from isa_engine.data.footage.people import tracked_people
from isa_engine.data.footage.track_formats import TRACKERS

from ...language.translation import said
from ...rigs.tracked import CAMERA, add_people, other_shape
from ...scene.timeline import fps, render_size
from ...session.programs.tracking import VIDEOS
from ...settings.cast import refresh_cast
from ..kinds.operator import Operator, Result
from ..kinds.thumbnails import ShowsThumbnails

_NAMES = {
    "smplx": ("SMPLer-X", "Its folder 'smplx', with 'meta' beside it"),
    "gvhmr": ("GVHMR", "gvhmr.npz"),
    "wham": ("WHAM", "wham.npz"),
    "phalp": ("4D-Humans", "phalp.npz"),
    "amass": ("AMASS", "A folder with an .npz for each person"),
    "easymocap": ("EasyMocap", "A folder with a .json for each frame"),
    "detected": ("Detector", "detected.npz, which isa-engine track writes"),
}
# Trackers that write a folder; the others write one file.
_ENDINGS = (".npz", ".json", ".pkl", ".pickle", ".pt", ".pth", ".joblib")
_FOLDERS = {"smplx", "amass", "easymocap"}


class BringsPeople(Operator):
    """Adds tracked people, and says what became of them. It has ``start_frame`` and ``body``."""

    start_frame: int
    body: str

    def bring_in(self, context, path: Path, tracker: str, size: tuple[int, int], rate: float) -> None:
        """
        Args:
            path, tracker: as of ``tracked_people``.
            size: ``(height, width)`` of the video in pixels.
            rate: of the video, frames a second.

        Raises:
            Unfit: what the tracker wrote cannot be used.
        """
        before = render_size(context.scene)
        body = load_body(bpy.path.abspath(self.body)) if self.body else open_body()
        found = tracked_people(path, tracker, size, rate, body, bool(self.body))
        armatures = add_people(context, found, body, size, rate, self.start_frame)
        refresh_cast(context.scene)
        parent = armatures[0].parent.name
        if len(armatures) == 1:
            note = said("1 person is in the scene. Move it by '{parent}'.", parent=parent)
        else:
            count = len(armatures)
            note = said(
                "{count} people are in the scene. Move them by '{parent}'.", count=count, parent=parent
            )
        self.report({"INFO"}, note)
        if found.focal is not None:
            self._tell_shape(context.scene, size, before)
        for person in found.people:
            if person.missing:
                note = said(
                    "Nobody saw {name} in {count} frames, which are filled in.",
                    name=person.motion.name,
                    count=person.missing,
                )
                self.report({"WARNING"}, note)

    def _tell_shape(self, scene, size: tuple[int, int], before: tuple[int, int]) -> None:
        """What became of the render's size, or should."""
        width, height = render_size(scene)
        if (width, height) != before:
            note = said(
                "The render has the video's size now: {width} × {height}.", width=width, height=height
            )
            self.report({"INFO"}, note)
        elif other_shape(scene, size):
            note = said(
                "The video is {width} × {height} and the render has another shape: through '{camera}' people "
                "do not stand where the video shows them. Give the render this size.",
                width=size[1],
                height=size[0],
                camera=CAMERA,
            )
            self.report({"WARNING"}, note)


class ISA_OT_import_people(BringsPeople, ShowsThumbnails, bpy.types.Operator, ImportHelper):
    bl_idname = "isa.import_people"
    bl_label = "Import People"
    bl_description = (
        "Add a character for each person that a tracker saw in a video: SMPLer-X, GVHMR, WHAM, 4D-Humans, "
        "AMASS or EasyMocap. Of a video itself the detector follows them. Pickles are not read, for they can "
        "run any program; docs/dataset.md has a way"
    )
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(
        default=";".join(f"*{ending}" for ending in (*_ENDINGS, *VIDEOS)), options={"HIDDEN"}
    )
    tracker: EnumProperty(
        name="Tracker",
        description="Whose files they are",
        items=[
            ("AUTO", "By Name", "Files under the names that docs/dataset.md gives"),
            *((name, *_NAMES[name]) for name in TRACKERS),
        ],
    )
    start_frame: IntProperty(name="Start Frame", description="Scene frame of the video's first", default=1)
    rate: FloatProperty(
        name="Frame Rate", description="Of the video, frames a second", default=24, min=1, max=1000
    )
    width: IntProperty(name="Width", description="Of the video, pixels", default=1920, min=1)
    height: IntProperty(name="Height", description="Of the video, pixels", default=1080, min=1)
    body: StringProperty(
        name="Body",
        description="An SMPL-X model file (.npz), whose shapes trackers of SMPL-X know; empty: the open body "
        "that comes with the engine",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Leave the mode with Tab first")
        return context.mode == "OBJECT"

    def invoke(self, context, event) -> Result:  # type: ignore[override]
        scene = context.scene
        self.start_frame, self.rate = scene.frame_start, float(fps(scene))
        footage = scene.isa.footage
        self.width, self.height = footage.size if footage and footage.size[0] else render_size(scene)
        return super().invoke(context, event)

    def execute(self, context) -> Result:
        if Path(self.filepath).suffix.lower() in VIDEOS:  # type: ignore[attr-defined]
            mode = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
            wish = {"filepath": self.filepath, "start_frame": self.start_frame, "body": self.body}  # type: ignore[attr-defined]
            bpy.ops.isa.track_people(mode, **wish)
            return {"FINISHED"}
        return super().execute(context)

    def run(self, context) -> None:
        path, tracker = chosen(Path(self.filepath), "" if self.tracker == "AUTO" else self.tracker)  # type: ignore[attr-defined]
        size, rate = (self.height, self.width), self.rate
        if path.name == DETECTED:
            # What has been looked at tells its own size and rate.
            size, rate = detected_video(path)
        self.bring_in(context, path, tracker, size, rate)


def chosen(path: Path, tracker: str) -> tuple[Path, str]:
    """What to read and whose it is (empty: the usual names tell), of the file or folder that was clicked."""
    if tracker:
        return (path.parent if tracker in _FOLDERS and path.is_file() else path), tracker
    if path.suffix == ".npz" and path.stem in set(TRACKERS) - _FOLDERS:
        return path, path.stem
    for folder in (path, path.parent):
        if folder.name in _FOLDERS:
            return folder, folder.name
    return (path if path.is_dir() else path.parent), ""


CLASSES = (ISA_OT_import_people,)
