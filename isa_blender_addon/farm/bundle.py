"""A shot's takes as a bundle for a render farm."""

import argparse
import dataclasses
from pathlib import Path

from isa_engine.farm.flamenco import write_submission
from isa_engine.farm.job import write_bundle
from isa_engine.farm.openjd import TEMPLATE, write_template
from isa_engine.shot import Shot
from isa_engine.shot.validation import MAX_SEED

# A take after the one with the last seed begins anew.
_SEEDS = MAX_SEED + 1


def write(name: str, shot: Shot, arguments: argparse.Namespace) -> Path:
    """Write a shot's bundle; the template's path.

    Args:
        arguments: ``out`` and ``takes``, and ``os``, ``span``, ``gpus`` and ``untrained`` as of
            ``isa-engine farm bundle``.

    Raises:
        IsaError: what went wrong.
    """
    takes = _takes(name, shot, arguments.takes)
    made = write_bundle(takes, arguments.out, arguments.os, arguments.span, arguments.untrained)
    write_template(made, arguments.gpus)
    write_submission(made)
    return arguments.out / TEMPLATE


def _takes(name: str, shot: Shot, count: int) -> list[tuple[str, Shot]]:
    takes = []
    for k in range(count):
        seed = (shot.settings.seed + k) % _SEEDS
        settings = dataclasses.replace(shot.settings, seed=seed)
        takes.append((f"{name}-{seed}", dataclasses.replace(shot, settings=settings)))
    return takes if count > 1 else [(name, shot)]
