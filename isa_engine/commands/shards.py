"""``isa-engine shards``: read a folder's shards whole; count what is there, name what is broken."""

import argparse
import json
from collections import Counter

from isa_engine.given_path import GivenPath

HELP = "check a folder of shards: what is in it, what is broken"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", action=GivenPath, help="of synthesize or ingest")
    parser.add_argument("--json", action="store_true", help="print it for programs")


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.data.recordings.stored import find_recordings
    from isa_engine.errors import DataError

    found, broken = find_recordings(arguments.folder)
    counts: Counter[str] = Counter()
    size = 0
    for stored in found:
        try:
            stored.read()
        except DataError as error:
            broken[stored.name] = str(error)
            continue
        about = stored.description
        size += sum(length for _, length in stored.places.values())
        counts["clips"] += 1
        counts["frames"] += about["frames"]
        counts[f"split: {about['split']}"] += 1
        counts[f"kind: {about['source'].get('kind')}"] += 1
        counts[f"canvas: {about['width']}x{about['height']}"] += 1
        counts[f"characters: {about['characters']}"] += 1
    counts["bytes"] = size
    counts["broken"] = len(broken)
    if arguments.json:
        print(json.dumps({"counts": counts, "broken": broken}, indent=1))
    else:
        print("\n".join(f"{name:28} {count:>14,}" for name, count in counts.items()))
        for name, reason in broken.items():
            print(f"{name}: {reason}")
    if broken:
        raise DataError(f"{len(broken)} recordings are broken", where=str(arguments.folder))
