"""What goes with a file: on its first save its takes go from the cache to beside it, and its paths follow.

What is written must be right before it is, but whether it is the open file that is saved, a copy of it, or
nothing at all, shows only after it. So takes are beside the file twice for a moment: before the save they are
copied there, as links to the same data where the drive has them, and everything shows the copies; after the
save the originals go, or everything shows these again. Undo brings back what was before.

Blender keeps the paths of images right when a file is saved elsewhere, and knows nothing of ours.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy

from isa_engine.errors import SceneError

from ...engine.queue import JobQueue
from ...language.translation import said
from ...preferences.folders import free, takes_folder
from ...takes.files import copy_folder, link_or_copy
from ...takes.folders import chosen_folder, output_folder, unsaved_folder
from ...takes.ids import known_shot_id, open_scenes
from ...takes.replacing import leave_within, put_in_place, replaced_by
from ...takes.take import Take

Places = dict[Path, Path]
# Folders of takes, and pictures: where they were, and where they are, for undo.
_moved: Places = {}
# The same for what is copied for a save that goes on.
_copied: Places = {}
# Folders that the file was in: what undo brings back has its paths from there.
_former: list[str] = []


def before_save(queue: JobQueue, target: str) -> SceneError | None:
    """Make ready for a save to ``target``; why that cannot be done in full."""
    _copied.clear()
    _former.append(os.path.dirname(bpy.data.filepath))
    trouble = None if bpy.data.filepath else _copy_from_the_cache(queue, target)
    _rebase(os.path.dirname(bpy.data.filepath), os.path.dirname(target))
    return trouble


def after_save(queue: JobQueue, target: str, written: bool) -> str:
    """Go on with the file as it is now; what has moved, as a sentence, else empty.

    Args:
        written: whether the save succeeded.
    """
    if bpy.data.filepath != target:
        _former.pop()
        _rebase(os.path.dirname(target), os.path.dirname(bpy.data.filepath))
        _follow({new: old for old, new in _copied.items()})
        for place in _copied.values() if not written else ():
            _remove(place)
        return ""
    takes = [take for old in _copied if (take := queue.take(old)) is not None]
    for take in takes:
        queue.adopt(take, _copied[take.folder], Path(target).name)
    for old in _copied:
        _remove(old)
    _moved.update(_copied)
    if not takes:
        return ""
    text = "Takes that are beside the file now, in {folder}: {count}."
    return said(text, folder=_copied[takes[0].folder].parent, count=len(takes))


def bring_home(queue: JobQueue, scene, take: Take) -> Take:
    """A take that has arrived: in place of the older one that it replaces; or beside its file, where that was
    saved since it was sent.

    Raises:
        SceneError: it cannot be brought there; it is where it was.
    """
    if (older := replaced_by(take.folder)) is not None:
        queue.wait_for_disk()
        put_in_place(take.folder, older)
        home = queue.adopt(take, older, take.blend)
        leave_within(take.folder)
        return home
    unsaved = unsaved_folder(scene)
    if not bpy.data.filepath or take.folder.parent != unsaved:
        return take
    if take not in queue.lying_in(unsaved, take.shot_id):
        return take
    place = free(output_folder(scene) / take.name)
    copy_folder(take.folder, place)
    _moved[take.folder] = place
    home = queue.adopt(take, place, Path(bpy.data.filepath).name)
    _remove(take.folder)
    return home


def after_undo() -> None:
    """Let what undo has brought back show what has moved since, or was named from another folder."""
    if _moved:
        _follow(_moved)
    here = os.path.dirname(bpy.data.filepath)
    for folder in {*_former} - {"", here}:
        _find_again(folder, here)


def forget() -> None:
    """Another file has been opened."""
    _moved.clear()
    _former.clear()


def _copy_from_the_cache(queue: JobQueue, target: str) -> SceneError | None:
    """Copy takes, and reference pictures that the add-on has painted; why not all of them."""
    trouble = None
    if not os.path.isdir(os.path.dirname(target)):
        # The save will fail, and Blender says why; a folder made here would let it succeed in the wrong
        # place.
        return None
    for scene in open_scenes():
        if not chosen_folder(scene).startswith("//"):
            continue
        home = output_folder(scene, target)
        try:
            for take in queue.lying_in(unsaved_folder(scene), known_shot_id(scene)):
                place = free(home / take.name)
                copy_folder(take.folder, place)
                _copied[take.folder] = place
            _copy_pictures(scene, home)
        except SceneError as error:
            trouble = error
    _follow(_copied, os.path.dirname(target))
    return trouble


def _copy_pictures(scene, home: Path) -> None:
    for member in scene.isa.cast:
        picture = Path(os.path.realpath(bpy.path.abspath(member.picture)))
        if picture in _copied or takes_folder() not in picture.parents or not picture.is_file():
            continue
        place = free(home / picture.name)
        try:
            home.mkdir(parents=True, exist_ok=True)
            link_or_copy(picture, place)
        except OSError as error:
            problem = "'{folder}' cannot be written: {reason}"
            raise SceneError(problem, folder=home, reason=error.strerror) from error
        _copied[picture] = place


def _remove(place: Path) -> None:
    """Remove a file or folder that is whole elsewhere."""
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):
        place.unlink(missing_ok=True)


def _own_paths() -> Iterator[tuple[Any, str]]:
    """Owner and name of each path that Blender does not know to be one."""
    for scene in open_scenes():
        if scene.is_editable:
            yield from ((scene.isa, name) for name in ("last_results", "other_results"))
            yield from ((member, name) for member in scene.isa.cast for name in ("picture", "stance_of"))


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


def _follow(places: Places, folder: str | None = None) -> None:
    """Let everything that shows what has another place show it there.

    Args:
        folder: of the .blend, from which our own paths are; by default the open file's.
    """
    folder = os.path.dirname(bpy.data.filepath) if folder is None else folder

    def place(path: str, library=None) -> Path | None:
        found = Path(os.path.realpath(bpy.path.abspath(path, library=library)))
        if found in places:
            return places[found]
        return places[found.parent] / found.name if found.parent in places else None

    for media in _media():
        if new := place(media.filepath, getattr(media, "library", None)):
            media.filepath = str(new)
    for owner, name in _own_paths():
        if getattr(owner, name) and (new := place(getattr(owner, name))):
            setattr(owner, name, _from(new, folder))


def _find_again(former: str, here: str) -> None:
    """Let paths that lead nowhere from the .blend's folder lead where they did from a former one."""
    owners = [(media, "filepath") for media in _media() if not getattr(media, "library", None)]
    for owner, name in (*owners, *_own_paths()):
        path = getattr(owner, name)
        if path.startswith("//") and not os.path.exists(bpy.path.abspath(path)):
            there = os.path.normpath(os.path.join(former, path[2:]))
            if os.path.exists(there):
                setattr(owner, name, _from(there, here))


def _media() -> list:
    """What of the file shows pictures, movies and sounds from files."""
    editors = [
        scene.sequence_editor for scene in open_scenes() if scene.is_editable and scene.sequence_editor
    ]
    # Blender 4.4 renamed them.
    name = "strips_all" if bpy.app.version >= (4, 4) else "sequences_all"
    strips = [strip for editor in editors for strip in getattr(editor, name)]
    return [
        item for item in (*bpy.data.images, *bpy.data.movieclips, *strips) if getattr(item, "filepath", "")
    ]
