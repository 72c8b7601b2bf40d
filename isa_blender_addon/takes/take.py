"""A take: one generation of a shot, in a folder of its own, with what is to be known of it in ``take.json``.

The file is what survives: a job goes on from it after Blender was closed or has crashed. It holds no token.
"""

import errno
import json
import os
import re
import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from isa_engine.address import without_password
from isa_engine.client.protocol import RESULTS
from isa_engine.configuration.policies import EXACT, POLICIES
from isa_engine.errors import SceneError
from isa_engine.geometry.frames import Made, latent_count
from isa_engine.shot import Settings, Shot, write_shot
from isa_engine.shot.validation import MAX_PLATE_SCALE
from isa_engine.whole_file import whole_file

from .files import FILE, SHOT, entries, is_file, is_folder

VERSION = 1
# Begins the names of this machine's engines.
HERE = "here/"
# "sent": the engine has it; "waiting": it does not, or nobody knows. Only what is "done" has a plate.
STATES = ("waiting", "sent", "done", "failed", "cancelled")
# Blender's last frame; and more frames than this are nobody's shot.
_LAST_FRAME, _MOST_FRAMES = 1_048_574, 100_000
_KEY, _JOB = re.compile("[!-~]{1,128}"), re.compile("[0-9a-f]{32}")
# Bytes. What the add-on writes is under ten thousand; a larger file is not read into memory.
_LARGEST = 2**20


def fresh_key() -> str:
    """An idempotency key: what is sent with it twice is one job."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Take:
    """What is known of a take.

    Attributes:
        folder: holds its files and nothing else.
        shot_id: which shot of which file (``takes.ids``); ``shot`` in the file.
        blend, scene: names that file and scene had.
        frames: first, last and step of the scene.
        settings: it is generated with.
        created: seconds since 1970.
        place: in the queue, smaller first.
        state: of ``STATES``.
        key: idempotency key of the job.
        engine: that has the job: ``address`` of a remote one, ``HERE`` and its folder's name of a local one.
        job: the engine's name for it, once it has it.
        error: a sentence, where it failed.
        imported: whether its plate has come to the scene.
        pinned: not to be deleted.
        made: segments of which something is made, as of ``models.work``; of older files empty: all.
        cuts: of its shot (``Shot.cuts``); of older files None: not known.
    """

    folder: Path
    shot_id: str
    blend: str
    scene: str
    frames: tuple[int, int, int]
    settings: Settings
    created: float = field(default_factory=time.time)
    place: float = field(default_factory=time.time)
    state: str = "waiting"
    key: str = field(default_factory=fresh_key)
    engine: str = ""
    job: str = ""
    error: str = ""
    imported: bool = False
    pinned: bool = False
    made: tuple[Made, ...] = ()
    cuts: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def frame_numbers(self) -> np.ndarray:
        """``(F,)`` int32 scene frames."""
        first, last, step = self.frames
        return np.arange(first, last + 1, step, dtype=np.int32)

    @property
    def whole(self) -> bool:
        """Whether all results are here."""
        return all((self.folder / name).is_file() for name in RESULTS)

    def keep(self) -> None:
        """Write ``take.json``, whole or not at all.

        Raises:
            SceneError: the folder cannot be written.
        """
        content = {**asdict(self), "version": VERSION}
        del content["folder"]
        content["shot"] = content.pop("shot_id")
        try:
            with whole_file(self.folder / FILE) as partial:
                partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
        except OSError as error:
            raise SceneError(
                "cannot write {file}: {reason}",
                where="{folder}",
                remedy="Free some space or choose another folder.",
                file=FILE,
                reason=error.strerror,
                folder=self.folder,
            ) from error

    def keep_shot(self, shot: Shot) -> None:
        """Write the shot, from which the job can be sent at any time.

        Raises:
            ShotError: the shot is not whole, or the folder cannot be written.
        """
        write_shot(shot, self.folder / SHOT)

    def read_shot(self) -> bytes:
        """The shot's file, as it is sent.

        Raises:
            SceneError: it is gone.
        """
        try:
            if not is_file(self.folder / SHOT):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            return (self.folder / SHOT).read_bytes()
        except OSError as error:
            raise SceneError(
                "the shot of '{take}' cannot be read: {reason}",
                where="{folder}",
                remedy="Generate it again.",
                take=self.name,
                reason=error.strerror,
                folder=self.folder,
            ) from error


def read_take(folder: Path) -> Take | None:
    """The take in a folder; None where there is none, or it does not make sense."""
    try:
        # Through a link, what is read and removed here would be somebody else's.
        if not (is_folder(folder) and is_file(folder / FILE, _LARGEST)):
            return None
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if content.pop("version") != VERSION:
            return None
        first, last, step = map(int, content.pop("frames"))
        settings = Settings(**{"policy": EXACT, **content.pop("settings")})
        frames, shot_id = (first, last, step), content.pop("shot")
        made = tuple(Made(*segment) for segment in content.pop("made", ()))
        cuts = None if (told := content.pop("cuts", None)) is None else tuple(told)
        told = {"frames": frames, "settings": settings, "made": made, "cuts": cuts}
        take = Take(folder=folder, shot_id=shot_id, **told, **content)
    except (OSError, ArithmeticError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not _makes_sense(take):
        return None
    if take.state != "sent":
        return take
    # Blender may have ended between the results' coming and the note of it.
    if take.whole:
        return replace(take, state="done")
    # Without the engine's name for it, going on would send the shot of whoever wrote the file, unasked.
    return take if take.job else replace(take, state="waiting")


def read_takes(output: Path) -> list[Take]:
    """The takes of an output folder, oldest first."""
    found = (read_take(folder) for folder in entries(output))
    return sorted((take for take in found if take is not None), key=lambda take: take.created)


def address(url: str) -> str:
    """A remote engine's name in ``take.json``."""
    return without_password(url).partition("://")[2].rstrip("/")


def _makes_sense(take: Take) -> bool:
    """A file beside a .blend may come from anyone: nothing of it is used unless it is of its kind."""
    kinds = {
        **dict.fromkeys(("shot_id", "blend", "scene", "state", "key", "engine", "job", "error"), str),
        **dict.fromkeys(("imported", "pinned"), bool),
    }
    if not all(isinstance(getattr(take, name), kind) for name, kind in kinds.items()):
        return False
    settings, (first, last, step) = take.settings, take.frames
    words = (settings.model, settings.prompt, settings.negative_prompt)
    counts = (settings.width, settings.height, settings.steps, settings.seed)
    numbers = (take.created, take.place, settings.guidance)
    return (
        all(isinstance(said, str) for said in words)
        and settings.policy in [*POLICIES]
        and all(isinstance(count, int) and 0 <= count < 2**31 for count in counts)
        and type(settings.plate_scale) is int
        and 1 <= settings.plate_scale <= MAX_PLATE_SCALE
        and all(isinstance(number, (int, float)) and abs(number) < 1e18 for number in numbers)
        and step > 0
        and abs(first) <= _LAST_FRAME
        and 0 <= last - first < _MOST_FRAMES
        and all(type(number) is int for segment in take.made for number in segment)
        and all(0 <= each.first < each.last <= latent_count(each.frames) for each in take.made)
        and sum(each.frames for each in take.made) <= len(take.frame_numbers)
        and all(type(cut) is int for cut in take.cuts or ())
        and all(a < b for a, b in pairwise([0, *(take.cuts or ()), len(take.frame_numbers)]))
        and take.state in STATES
        and _KEY.fullmatch(take.key) is not None
        and (not take.job or _JOB.fullmatch(take.job) is not None)
    )
