"""What moves with a file: on its first save its takes go from the cache to beside it, and its paths follow.

Blender keeps the paths of images right when a file is saved elsewhere, and knows nothing of ours. What is
written must be right before it is, so all this happens before the save; a copy, or a save that failed, leaves
the open file where it was, and the paths are put back after it. Undo brings back what was before the move.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import bpy

from isa_engine.errors import SceneError

from ..engine.queue import JobQueue
from ..language.translation import said, told
from ..preferences.folders import free, takes_folder
from ..takes.folders import output_folder, unsaved_folder
from ..takes.ids import known_shot
from ..takes.take import Take

# Files and folders of this file that have moved, for undo: where they were, and where they are.
_moved: dict[Path, Path] = {}


def move_home(queue: JobQueue, scene, takes: Iterable[Take], blend: str) -> None:
    """Move takes of the scene from the cache to beside a file.

    Args:
        takes: of ``JobQueue.lying_in``.

    Raises:
        SceneError: one cannot be moved; the others before it are.
    """
    home = output_folder(scene, blend)
    for take in takes:
        place = free(home / take.name)
        queue.relocate(take, place, Path(blend).name)
        _moved[take.folder] = place


def bring_home(queue: JobQueue, scene, take: Take) -> Take:
    """A take that has arrived: beside its file, where that was saved since it was sent.

    Raises:
        SceneError: it cannot be moved.
    """
    if bpy.data.filepath and take in queue.lying_in(unsaved_folder(scene), take.shot):
        move_home(queue, scene, [take], bpy.data.filepath)
    return queue.take(_moved.get(take.folder, take.folder)) or take


def before_save(queue: JobQueue, target: str) -> tuple[str, str]:
    """Make ready for a save to ``target``.

    Returns:
        Sentences on what has moved and on what cannot; empty where there is nothing to say.
    """
    sentences = ("", "") if bpy.data.filepath else _leave_the_cache(queue, target)
    _rebase(os.path.dirname(bpy.data.filepath), os.path.dirname(target))
    return sentences


def after_save(target: str) -> None:
    """Put back what a copy, or a save that failed, has not changed of the open file."""
    if bpy.data.filepath != target:
        _rebase(os.path.dirname(target), os.path.dirname(bpy.data.filepath))


def after_undo() -> None:
    """Let what undo has brought back show what has moved since."""
    if _moved:
        _follow(os.path.dirname(bpy.data.filepath))


def forget() -> None:
    """Another file has been opened."""
    _moved.clear()


def _leave_the_cache(queue: JobQueue, target: str) -> tuple[str, str]:
    """Takes, and reference pictures that the add-on has painted."""
    count, folder, trouble = 0, Path(), ""
    for scene in bpy.data.scenes:
        if not (scene.isa.folder or "//isa").startswith("//"):
            continue
        takes = queue.lying_in(unsaved_folder(scene), known_shot(scene))
        try:
            move_home(queue, scene, takes, target)
            _move_pictures(scene, output_folder(scene, target))
        except SceneError as error:
            trouble = told(error)
        moved = [take for take in takes if take.folder in _moved]
        if moved:
            count, folder = count + len(moved), _moved[moved[0].folder].parent
    _follow(os.path.dirname(target))
    text = "Takes that are beside the file now, in {folder}: {count}."
    return (said(text, folder=folder, count=count) if count else ""), trouble


def _move_pictures(scene, home: Path) -> None:
    for member in scene.isa.cast:
        picture = Path(os.path.realpath(bpy.path.abspath(member.picture)))
        if picture in _moved or takes_folder() not in picture.parents or not picture.is_file():
            continue
        place = free(home / picture.name)
        try:
            home.mkdir(parents=True, exist_ok=True)
            place.write_bytes(picture.read_bytes())
            picture.unlink()
        except OSError as error:
            raise SceneError(
                "'{folder}' cannot be written: {reason}", folder=home, reason=error.strerror
            ) from error
        _moved[picture] = place


def _own_paths() -> Iterator[tuple[Any, str]]:
    """Owner and name of each path that Blender does not know to be one."""
    for scene in bpy.data.scenes:
        if scene.is_editable:
            yield from ((scene.isa, name) for name in ("last_results", "other_results"))
            yield from ((member, "picture") for member in scene.isa.cast)


def _rebase(before: str, after: str) -> None:
    """Let our paths that begin with "//" mean the same from another folder; empty: that of no file."""
    if before == after:
        return
    for owner, name in _own_paths():
        path = getattr(owner, name)
        if path.startswith("//") and before:
            absolute = os.path.normpath(os.path.join(before, path[2:]))
            setattr(owner, name, _from(absolute, after))


def _from(path: str | Path, folder: str) -> str:
    """The path from a folder, where that is one on the same drive."""
    try:
        return bpy.path.relpath(str(path), start=folder) if folder else str(path)
    except ValueError:
        return str(path)


def _follow(folder: str) -> None:
    """Let everything that shows what has moved show it where it is.

    Args:
        folder: of the .blend, from which our own paths are.
    """

    def place(path: str, library=None) -> Path | None:
        found = Path(os.path.realpath(bpy.path.abspath(path, library=library)))
        if found in _moved:
            return _moved[found]
        return _moved[found.parent] / found.name if found.parent in _moved else None

    editors = [
        scene.sequence_editor for scene in bpy.data.scenes if scene.is_editable and scene.sequence_editor
    ]
    # Blender 4.4 renamed them.
    name = "strips_all" if bpy.app.version >= (4, 4) else "sequences_all"
    strips = [strip for editor in editors for strip in getattr(editor, name)]
    for media in (*bpy.data.images, *bpy.data.movieclips, *strips):
        if getattr(media, "filepath", "") and (new := place(media.filepath, getattr(media, "library", None))):
            media.filepath = str(new)
    for owner, name in _own_paths():
        if getattr(owner, name) and (new := place(getattr(owner, name))):
            setattr(owner, name, _from(new, folder))
