"""The takes that this Blender knows; each is on disk a moment after it changes, for the next Blender."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from isa_engine.errors import IsaError
from isa_engine.shot import Shot

from .files import discard_folder, move_folder_to_trash
from .take import Take, read_takes


class KeptTakes:
    """Takes by their folders; nobody else writes their ``take.json`` and their shots' files.

    The main thread owns it. A thread of its own does the writing, one file after the other; only the methods
    that say so wait for it.

    Attributes:
        trouble: why a take could not be written the last time; None if it could.
    """

    def __init__(self) -> None:
        self.trouble: BaseException | None = None
        self._takes: dict[Path, Take] = {}
        # Shots that are not on disk yet; they stay in memory until they are, for another try if that fails.
        self._shots: dict[Path, Shot] = {}
        self._writing: dict[Path, Future] = {}
        self._notes: list[Future] = []
        self._disk = ThreadPoolExecutor(1, "isa-takes")

    def __contains__(self, folder: Path) -> bool:
        return folder in self._takes

    def __getitem__(self, folder: Path) -> Take:
        return self._takes[folder]

    def get(self, folder: Path) -> Take | None:
        return self._takes.get(folder)

    def all(self) -> list[Take]:
        """Every take, in the order in which they became known."""
        return list(self._takes.values())

    def add(self, take: Take, shot: Shot) -> None:
        """A new take; it and its shot are written."""
        self._shots[take.folder] = shot
        self.keep_shot(take)
        self.set(take)

    def attach(self, take: Take) -> None:
        """A take that was found on disk."""
        self._takes[take.folder] = take

    def set(self, take: Take) -> None:
        """Let a take be this from now on, in memory and on disk."""
        self._takes[take.folder] = take
        self._notes.append(self._disk.submit(take.keep))

    def keep_shot(self, take: Take) -> None:
        """Write a take's shot, unless it is on disk or on its way there."""
        if take.folder in self._shots and take.folder not in self._writing:
            self._writing[take.folder] = self._disk.submit(take.keep_shot, self._shots[take.folder])

    def writes_shot(self, folder: Path) -> bool:
        """Whether a take's shot is on its way to disk."""
        return folder in self._writing

    @property
    def settled(self) -> bool:
        """Whether all is on disk, as far as ``look`` has seen."""
        return not (self._writing or self._notes)

    def look(self) -> None:
        """See what has come to disk; a take whose shot could not be written has failed."""
        for folder, writing in list(self._writing.items()):
            if not writing.done():
                continue
            del self._writing[folder]
            try:
                writing.result()
                del self._shots[folder]
            except IsaError as error:
                # On disk it is English: who reads it there may have another language.
                self.set(replace(self._takes[folder], state="failed", error=str(error)))
        ended = [note for note in self._notes if note.done()]
        if ended:
            self.trouble = ended[-1].exception()
        self._notes = [note for note in self._notes if note not in ended]

    def search(self, outputs: Iterable[Path]) -> Future:
        """The takes on disk in these output folders, ``list[Take]``."""
        folders = list(outputs)
        return self._disk.submit(lambda: [take for folder in folders for take in read_takes(folder)])

    def wait(self) -> None:
        """Wait until all that was to be written so far is on disk, or has failed to be."""
        self._disk.submit(lambda: None).result()

    def adopt(self, take: Take, folder: Path, blend: str) -> Take:
        """Go on with a copy of a take, of another file's name; waits until nothing more is written to the old
        folder, which can go then."""
        moved = replace(take, folder=folder, blend=blend)
        if take.folder in self._shots:
            self._shots[folder] = self._shots[take.folder]
        self._forget(take.folder)
        self.set(moved)
        self.wait()
        return moved

    def remove(self, folder: Path) -> None:
        """Forget a take, and remove its files for good."""
        self._disk.submit(discard_folder, folder)
        self._forget(folder)

    def move_to_trash(self, folder: Path) -> None:
        """Forget a take whose files have gone to the trash, which is waited for.

        Raises:
            SceneError: they cannot; the take stays.
        """
        self._disk.submit(move_folder_to_trash, folder).result()
        self._forget(folder)

    def close(self) -> None:
        """Wait until everything is on disk."""
        self._disk.shutdown()

    def _forget(self, folder: Path) -> None:
        for known in (self._takes, self._shots, self._writing):
            known.pop(folder, None)
