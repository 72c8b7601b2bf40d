"""``isa-engine shards``: read every sample of a folder's shards; count what is there, name what is broken."""

import argparse
import json
from collections import Counter
from pathlib import Path

HELP = "check a folder of shards: what is in it, what is broken"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.data.clips.stored_clips import find_samples
    from isa_engine.errors import DataError

    samples, broken = find_samples(arguments.folder)
    counts: Counter[str] = Counter()
    size = 0
    for sample in samples:
        try:
            sample.read()
        except DataError as error:
            broken[sample.name] = str(error)
            continue
        about = sample.description
        size += sum(length for _, length in sample.places.values())
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
        raise DataError(f"{len(broken)} samples are broken", where=str(arguments.folder))
