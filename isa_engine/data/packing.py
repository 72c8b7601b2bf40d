"""Clips that Blender has rendered, on their way into shards."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from isa_engine.data.footage.report import Report
from isa_engine.data.footage.unfit import Unfit
from isa_engine.data.recording import Recording
from isa_engine.data.rendered import read_rendered
from isa_engine.errors import DataError


def rendered_clips(
    folders: list[Path], report: Report, progress: Callable[[int, int], None] = lambda done, clips: None
) -> Iterator[tuple[str, Recording]]:
    """Every clip that is whole, with its key; those that are broken are named in the report.

    Args:
        progress: called with the folders that are done and all of them; raises ``Cancelled`` to stop.
    """
    for done, folder in enumerate(folders):
        report.inputs += 1
        try:
            recording = read_rendered(folder)
        except DataError as error:
            report.skip(folder.name, Unfit("broken clip", str(error)))
        else:
            report.clips += 1
            report.seconds += len(recording.video) / recording.fps
            yield "cycles-" + re.sub(r"[^\w-]", "_", folder.name, flags=re.ASCII), recording
        progress(done + 1, len(folders))
