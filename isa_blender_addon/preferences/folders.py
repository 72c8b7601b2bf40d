"""Where the user keeps what belongs to no saved file; by these preferences, or in a temporary folder."""

import getpass
import itertools
import os
import stat
import tempfile
from pathlib import Path

import bpy

from isa_engine.errors import SceneError
from isa_engine.out_folder import why_closed
from isa_engine.user_data import data_folder

from .choices import preferences


def cache_folder() -> Path:
    """Where the user keeps what belongs to no saved file, and what can be made again."""
    chosen = preferences().cache
    if chosen:
        return Path(bpy.path.abspath(chosen)).absolute()
    shared = Path(tempfile.gettempdir()) / f"isa-{_user()}"
    # Where all users of a machine share the temporary folder, another may have taken the name.
    return shared if _is_ours(shared) else data_folder() / "cache"


def _is_ours(folder: Path) -> bool:
    """Whether a folder is this user's; it is made where there is none, and nobody else looks into it."""
    try:
        folder.mkdir(0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            return False
        if os.name == "posix":
            if found.st_uid != os.getuid():
                return False
            folder.chmod(0o700)
    except OSError:
        return False
    return True


def takes_folder() -> Path:
    """The takes of files that are not saved."""
    return cache_folder() / "takes"


def backgrounds_folder() -> Path:
    """Rendered backgrounds, and footage cut to shots."""
    return cache_folder() / "backgrounds"


def check_backgrounds() -> None:
    """Look whether a background can be kept; nothing is made.

    Raises:
        SceneError: none can, as far as it tells.
    """
    if why := why_closed(backgrounds_folder()):
        raise SceneError(
            "no background can be kept in the cache folder '{folder}': {reason}",
            remedy="Choose another one in the add-on's preferences.",
            folder=cache_folder(),
            reason=why,
        )


def free(place: Path) -> Path:
    """The place, or the first like it where nothing is."""
    names = itertools.chain([place], (place.with_stem(f"{place.stem}-{n}") for n in itertools.count(2)))
    return next(name for name in names if not name.exists())


def engine_log() -> Path:
    """Where this Blender's engine writes its log."""
    return Path(bpy.app.tempdir) / "isa-engine.log"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in this system's list, as in containers
        return "user"
