"""The takes of a file that was opened: looked for on disk, and put into the queue."""

from concurrent.futures import Future

import bpy

from ...engine.queue import JobQueue
from ...takes.ids import own_takes, take_places


class EarlierTakes:
    """Looks for them in the background."""

    def __init__(self, queue: JobQueue):
        self._queue = queue
        self._search: Future | None = None

    @property
    def sought(self) -> bool:
        """Whether they are being looked for."""
        return self._search is not None

    def seek(self) -> None:
        """Begin to look for the takes of all scenes that are open now."""
        places = {place for scene in bpy.data.scenes for place in take_places(scene)}
        self._search = self._queue.search(places)

    def found(self) -> bool:
        """Whether the search has ended since this was asked last; what it has found is in the queue then."""
        if self._search is None or not self._search.done():
            return False
        search, self._search = self._search, None
        for scene in bpy.data.scenes:
            self._queue.attach(own_takes(scene, search.result()))
        return True
