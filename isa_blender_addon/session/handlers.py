"""What of the session happens when a file is opened or saved, and after undo."""

import os

import bpy

from .. import background
from ..blender.events import Listeners
from ..blender.window import redraw
from .current import close, session
from .open_file import saving


def _is_the_artists(target: str) -> bool:
    """Whether a save is of the artist's file: not of the startup file, nor of a copy to render from."""
    return bool(target) and not background.is_own_copy(target)


def _before_save(target: str, *_) -> None:
    if not _is_the_artists(target):
        return
    if trouble := saving.before_save(session().queue, target):
        session().fail(trouble)


def _after_save(target: str, *_) -> None:
    if _is_the_artists(target) and (note := saving.after_save(session().queue, target, True)):
        # In another folder than this the file has them elsewhere.
        folder = os.path.dirname(target)
        session().say(note, about=lambda _: os.path.dirname(bpy.data.filepath) == folder)
        session().keep_ticking()


def _after_failed_save(target: str, *_) -> None:
    if _is_the_artists(target):
        saving.after_save(session().queue, target, False)


def _after_undo(*_) -> None:
    saving.after_undo()
    redraw()


def _file_opened(*_) -> None:
    saving.forget()
    session().leave_file()
    # Without a window Blender runs one command; takes of earlier ones are not its business.
    if not bpy.app.background:
        session().open_file()


_LISTENERS = Listeners(
    load_post=_file_opened,
    save_pre=_before_save,
    save_post=_after_save,
    save_post_fail=_after_failed_save,
    undo_post=_after_undo,
    redo_post=_after_undo,
)


def register() -> None:
    _LISTENERS.register()


def unregister() -> None:
    _LISTENERS.unregister()
    saving.forget()
    close()
