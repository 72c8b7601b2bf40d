"""Clips in memory that processes share: some write, one draws, and each may die at any moment.

A ring is a folder with ``layout.json`` and ``clips``, a file that all map. Its shelves hold clips of one
length and canvas in slots of fixed size. Every slot belongs to one writer, which goes round its own, so no
lock is needed: a slot's version is odd while it is written, and what was drawn is drawn again if the version
changed meanwhile. A writer waits before it overwrites what has not been drawn often enough yet.
"""

import json
import math
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from isa_engine.data.clips.clip_batch import AXES, TYPES, ClipBatch
from isa_engine.errors import DataError
from isa_engine.whole_file import whole_file

# The most characters, and the most references, of a clip.
_CAST = 4
_LAYOUT, _CLIPS = "layout.json", "clips"
# Slots begin where pages of memory do.
_PAGE = 4096


@dataclass(frozen=True)
class Shelf:
    """The clips of one size in the ring.

    Attributes:
        frames, width, height: of its clips.
        slots: clips that it holds.
        share: of all clips that are written.
    """

    frames: int
    width: int
    height: int
    slots: int
    share: float


@dataclass(frozen=True)
class Layout:
    """How the ring is divided, and who writes what.

    Attributes:
        shelves: of the ring.
        writers: processes; each has every so-many-th slot of a shelf.
        points: surface points a character.
        reuse: how often each frame is drawn before its clip is overwritten, if writers are fast enough.
        seed: clip seeds count from this times 2⁴⁰.
        reprojected: whether casts are reprojected (``ClipBatch.reprojected``), which takes as long as half of
            the rendering.
    """

    shelves: tuple[Shelf, ...]
    writers: int
    points: int
    reuse: float
    seed: int
    reprojected: bool = False

    @staticmethod
    def read(folder: Path) -> "Layout":
        values = json.loads((folder / _LAYOUT).read_text())
        return Layout(**{**values, "shelves": tuple(Shelf(**shelf) for shelf in values["shelves"])})


class Ring:
    """A ring that lies in a folder; whoever opens it sees the same.

    Raises:
        DataError: there is none.
    """

    def __init__(self, folder: Path):
        if not (folder / _LAYOUT).exists():
            raise DataError("there is no ring of clips", where=str(folder), remedy="Start its feeder.")
        self.folder, self.layout = folder, Layout.read(folder)
        shelves, writers = self.layout.shelves, self.layout.writers
        memory = np.memmap(folder / _CLIPS, np.uint8, "r+")
        place = 0

        def array(kind, *shape: int) -> np.ndarray:
            nonlocal place
            taken = np.ndarray(shape, kind, memory, place)
            place = math.ceil((place + taken.nbytes) / _PAGE) * _PAGE
            return taken

        # How many clips each writer has begun, and finished of each shelf; when it was last alive.
        self.begun = array(np.int64, writers)
        self.written = array(np.int64, len(shelves), writers)
        self.alive = array(np.float64, writers)
        # Frames that were drawn of each shelf, and when something was.
        self.drawn = array(np.int64, len(shelves))
        self.drawn_at = array(np.float64, 1)
        self.versions = [array(np.int64, shelf.slots) for shelf in shelves]
        self.seeds = [array(np.int64, shelf.slots) for shelf in shelves]
        self.slots = [array(slot_type(shelf, self.layout.points), shelf.slots) for shelf in shelves]

    @staticmethod
    def create(folder: Path, layout: Layout) -> "Ring":
        """A ring of this layout: the one that lies there, if it has it, or a new one."""
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / _LAYOUT).exists() and Layout.read(folder) == layout:
            return Ring(folder)
        # Who still has the old one mapped keeps it.
        (folder / _LAYOUT).unlink(missing_ok=True)
        (folder / _CLIPS).unlink(missing_ok=True)
        with open(folder / _CLIPS, "wb") as file:
            file.truncate(_size(layout))
        with whole_file(folder / _LAYOUT) as partial:
            partial.write_text(json.dumps(asdict(layout)))
        ring = Ring(folder)
        ring.drawn_at[0] = time.time()
        return ring

    def wanted(self, writer: int) -> int | None:
        """The shelf whose next clip a writer should make; None while every one has to be drawn from first."""
        layout, own = self.layout, self.written[:, writer]
        # How many clips have been drawn often enough, of this writer's share: so many it may overwrite.
        worth = self.drawn / (self._frames * layout.reuse * layout.writers)
        room = own - self._own_slots[:, writer] < worth
        if not room.any():
            return None
        return int(np.where(room, own / self._shares, np.inf).argmin())

    def begin(self, writer: int) -> int:
        """The seed of a writer's next clip. Counted before the clip is made, so that one that kills its
        writer is not tried again."""
        number = int(self.begun[writer])
        self.begun[writer] += 1
        return self.layout.seed * 2**40 + number * self.layout.writers + writer

    def put(self, writer: int, shelf: int, seed: int, clip: ClipBatch) -> None:
        """Write a clip, a batch of one, into the writer's next slot of a shelf."""
        own = int(self._own_slots[shelf, writer])
        slot = int(self.written[shelf, writer]) % own * self.layout.writers + writer
        versions, slots = self.versions[shelf], self.slots[shelf]
        # Odd already if a writer died here.
        versions[slot] += 1 + versions[slot] % 2
        for name, letters in AXES.items():
            value = getattr(clip, name)[0].numpy()
            if set(letters) & {"K", "R"}:
                # A clip of fewer characters must leave none of the one before.
                slots[name][slot] = 0
            slots[name][(slot, *(slice(size) for size in value.shape))] = value
        self.seeds[shelf][slot] = seed
        versions[slot] += 1
        self.written[shelf, writer] += 1

    @property
    def written_frames(self) -> int:
        """Frames of all clips that were ever written."""
        return int((self.written.sum(1) * self._frames).sum())

    def filled(self) -> np.ndarray:
        """Clips on each shelf, ``(shelves,)``."""
        return np.array([_whole(versions).sum() for versions in self.versions])

    def draw(
        self, shelf: int, moments: np.ndarray, random: np.random.Generator
    ) -> tuple[ClipBatch, np.ndarray]:
        """Clips at random, each once unless the shelf has fewer.

        Args:
            moments: ``(B, F)`` int64, the frames of each that are wanted.

        Returns:
            The clips, and their seeds ``(B,)``.

        Raises:
            DataError: the shelf is empty.
        """
        versions, count = self.versions[shelf], len(moments)
        whole = np.flatnonzero(_whole(versions))
        if not len(whole):
            raise DataError("no clip has been made yet", where=str(self.folder), remedy="Wait.")
        chosen = random.choice(whole, count, replace=count > len(whole))
        values, seeds = self._read(shelf, chosen, moments)
        while len(torn := np.flatnonzero(values.pop("torn"))):
            whole = np.flatnonzero(_whole(versions))
            again, their_seeds = self._read(shelf, random.choice(whole, len(torn)), moments[torn])
            still = again.pop("torn")
            for name, value in again.items():
                values[name][torn] = value
            seeds[torn] = their_seeds
            values["torn"] = np.zeros(count, bool)
            values["torn"][torn] = still
        self.drawn[shelf] += moments.size
        self.drawn_at[0] = time.time()
        cast, shown = (int(values[name].max()) for name in ("characters", "shown"))
        most = {"K": cast, "R": shown}
        batch = {}
        for name, letters in AXES.items():
            there = tuple(slice(most.get(letter)) for letter in letters)
            batch[name] = torch.from_numpy(np.ascontiguousarray(values[name][(slice(None), *there)]))
        return ClipBatch(**batch), seeds

    def _read(self, shelf: int, chosen: np.ndarray, moments: np.ndarray) -> tuple[dict, np.ndarray]:
        before = self.versions[shelf][chosen]
        slots = self.slots[shelf]
        values = {
            name: slots[name][chosen[:, None], moments] if letters[:1] == "F" else slots[name][chosen]
            for name, letters in AXES.items()
        }
        seeds = self.seeds[shelf][chosen]
        values["torn"] = (self.versions[shelf][chosen] != before) | (before % 2 == 1)
        return values, seeds

    @cached_property
    def _frames(self) -> np.ndarray:
        return np.array([shelf.frames for shelf in self.layout.shelves])

    @cached_property
    def _shares(self) -> np.ndarray:
        return np.array([shelf.share for shelf in self.layout.shelves])

    @cached_property
    def _own_slots(self) -> np.ndarray:
        """How many slots of each shelf each writer has: ``(shelves, writers)``."""
        slots = np.array([shelf.slots for shelf in self.layout.shelves])[:, None]
        writers = self.layout.writers
        return (slots - np.arange(writers) + writers - 1) // writers


def slot_type(shelf: Shelf, points: int) -> np.dtype:
    """A clip as it lies in memory."""
    sizes = {"F": shelf.frames, "H": shelf.height, "W": shelf.width, "N": points, "K": _CAST, "R": _CAST}
    return np.dtype(
        [
            (
                name,
                torch.empty(0, dtype=TYPES[name]).numpy().dtype,
                tuple(sizes[letter] if letter.isalpha() else int(letter) for letter in letters),
            )
            for name, letters in AXES.items()
        ]
    )


def _size(layout: Layout) -> int:
    """Bytes, generously: every array is rounded up to pages."""
    counts = sum(16 * shelf.slots for shelf in layout.shelves) + 16 * layout.writers * (
        2 + len(layout.shelves)
    )
    slots = sum(shelf.slots * slot_type(shelf, layout.points).itemsize for shelf in layout.shelves)
    return counts + slots + _PAGE * (6 + 3 * len(layout.shelves))


def _whole(versions: np.ndarray) -> np.ndarray:
    return (versions > 0) & (versions % 2 == 0)
