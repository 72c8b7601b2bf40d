"""The recordings in shards: found by their descriptions, decoded one by one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isa_engine.data.recordings.members import describe, unpack
from isa_engine.data.recordings.recording import Recording
from isa_engine.data.recordings.shards import Places, read_member, shard_index, shard_paths
from isa_engine.errors import DataError


@dataclass(frozen=True)
class StoredRecording:
    """Where a recording lies, and its ``description`` (``members``), which is read without decoding."""

    shard: Path
    key: str
    places: Places
    description: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.shard.name}/{self.key}"

    def read(self) -> Recording:
        """Decode it.

        Raises:
            DataError: names the member that is broken.
        """
        return unpack({ending: read_member(self.shard, place) for ending, place in self.places.items()})


def find_recordings(folder: Path) -> tuple[list[StoredRecording], dict[str, str]]:
    """The recordings in a folder's shards, and why those that cannot be described are left out, by name.

    Raises:
        DataError: there are no shards.
    """
    recordings, broken = [], {}
    for shard in shard_paths(folder):
        try:
            index = shard_index(shard)
        except DataError as error:
            broken[shard.name] = str(error)
            continue
        for key, places in index.items():
            try:
                if "json" not in places:
                    raise DataError("the member is missing", where="json")
                description = describe(read_member(shard, places["json"]))
                recordings.append(StoredRecording(shard, key, places, description))
            except DataError as error:
                broken[f"{shard.name}/{key}"] = str(error)
    return recordings, broken
