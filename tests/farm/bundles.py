"""Shots for bundles, and the commands that run them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from isa_engine.shot import Settings, Shot
from tests.pipeline.shots import make_shot

ISA_ENGINE = Path(sys.executable).with_name("isa-engine")


def take(frames: int = 33, **settings) -> Shot:
    """A shot for isa-tiny, smaller than it is made for."""
    shot = make_shot(frames, centres=((0, 0, 0),))
    return replace(shot, settings=Settings(**{"width": 64, "height": 64, "steps": 2, **settings}))


def run(*arguments: object, fails: bool = False, **environment: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        timeout=900,
    )
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout
