"""Finished runs to a weights folder, with the card that says how they came to be.

python -m isa_engine.training.assembly.assemble MODEL OUT RUN...
"""

import json
import sys
from pathlib import Path
from typing import Any

from isa_engine.configuration import CARD, model_config
from isa_engine.errors import IsaError, ModelError
from isa_engine.given_path import given_path
from isa_engine.networks.weight_files import read_weights, write_weights
from isa_engine.pipeline.isa.model import build_model, parts_of

# Points of a curve that a card keeps.
_POINTS = 60


def assemble(name: str, runs: list[Path], out: Path) -> dict[str, Any]:
    """Write the weights that the runs left, in the bits of the configuration, and the card.

    Args:
        name: of the configuration.
        runs: their folders; or weights folders that runs went on from, whose parts and stories are kept.
            Where several hold a part, the last one's counts.
        out: the weights folder, written whole or not at all.

    Returns:
        the card.

    Raises:
        ModelError: a part is missing, or does not fit the configuration; two runs are called the same.
    """
    config = model_config(name)
    parts = parts_of(config)
    found = {part: run / f"{part}.safetensors" for run in runs for part in parts if _holds(run, part)}
    missing = [part for part in parts if part not in found]
    if missing:
        remedy = f"Train {missing[0]}, or name the run that did."
        raise ModelError(f"no run left weights of {', '.join(missing)}", where=str(out), remedy=remedy)
    trained: dict[str, Any] = {}
    for run in runs:
        for called, history in _histories(run).items():
            if called in trained:
                raise ModelError(f"two runs are called '{called}'", where=str(run), remedy="Rename a folder.")
            trained[called] = history
    partial = out.with_name(out.name + ".part")
    partial.mkdir(parents=True, exist_ok=True)
    for path in found.values():
        write_weights(read_weights(path), partial / path.name, bits=config.bits)
    build_model(config, partial, "cpu")
    card = {"model": name, "trained": trained}
    (partial / CARD).write_text(json.dumps(card, indent=2) + "\n")
    out.mkdir(exist_ok=True)
    for path in partial.iterdir():
        path.replace(out / path.name)
    partial.rmdir()
    return card


def _holds(run: Path, part: str) -> bool:
    return (run / f"{part}.safetensors").exists()


def _histories(folder: Path) -> dict[str, Any]:
    """Of a run by its name; of a weights folder, of all the runs that it was made by."""
    if (folder / CARD).exists():
        return json.loads((folder / CARD).read_text())["trained"]
    return {folder.name: _history(folder)}


def _history(run: Path) -> dict[str, Any]:
    """What a run's folder tells of it: its description and a thinned curve."""
    points: dict[int, dict[str, float]] = {}
    for line in map(json.loads, (run / "curves.jsonl").read_text().splitlines()):
        # A run that was killed takes the steps since its last checkpoint again.
        points[line["step"]] = points.get(line["step"], {}) | line
    told = list(points.values())
    size = max(1, -(-len(told) // _POINTS))
    groups = [told[start : start + size] for start in range(0, len(told), size)]
    means = [
        {key: _mean([point[key] for point in group if key in point]) for key in _keys(group)}
        for group in groups
    ]
    steps = told[-1]["step"] if told else 0
    return json.loads((run / "run.json").read_text()) | {"steps": steps, "curve": means}


def _keys(points: list[dict[str, float]]) -> dict[str, None]:
    """What any of them tells, in order."""
    return dict.fromkeys(key for point in points for key in point)


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 5)


def main(arguments: list[str]) -> int:
    """The command; returns its exit status."""
    name, out, *runs = arguments
    try:
        assemble(name, [given_path(run, "RUN") for run in runs], given_path(out, "OUT"))
    except IsaError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"the weights are in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
