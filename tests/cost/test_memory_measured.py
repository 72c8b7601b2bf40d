"""What is told of memory is what a processor's generation takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isa_engine.configuration import model_config
from isa_engine.configuration.policies import POLICIES
from isa_engine.cost.generation import Work
from isa_engine.cost.memory import memory
from isa_engine.geometry.surface import POINTS

ROOT = Path(__file__).resolve().parents[2]


# Of a generation on a busy machine most is waiting.
@pytest.mark.timeout(1800)
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
@pytest.mark.parametrize(
    ("frames", "width", "height", "characters", "policy", "steps"),
    [
        (9, 128, 128, 1, "exact", 2),
        (33, 128, 128, 4, "exact", 2),
        (33, 224, 128, 2, "forecast", 4),
        (17, 400, 224, 2, "forecast", 3),
        (121, 128, 128, 2, "exact", 2),
        (497, 128, 128, 1, "exact", 1),
    ],
)
def test_it_is_told_to_within_a_tenth(frames, width, height, characters, policy, steps, tmp_path):
    work = Work(frames, width, height, characters, steps, 2.0, POLICIES[policy])
    told = memory(model_config("isa-tiny"), work)
    given = frames, width, height, characters, policy, steps, tmp_path
    assert told == pytest.approx(printed("tests.cost.generation_process", *given), rel=0.1)


@pytest.mark.timeout(1800)
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
def test_denoising_two_thousand_frames_takes_a_twentieth_more_than_five_hundred_at_most():
    five_hundred, two_thousand = (printed("tests.cost.denoising_process", n) for n in (497, 2001))
    assert two_thousand < 1.05 * five_hundred


@pytest.mark.timeout(3600)
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
def test_a_whole_job_of_two_thousand_frames_takes_a_twentieth_more_than_of_five_hundred_at_most(tmp_path):
    """Beside the shot's own points. As *Final* has it, some steps read the points of others, which alone
    would be most of the job."""
    beside = {}
    for frames in (497, 2001):
        measured = printed("tests.cost.generation_process", frames, 64, 64, 1, "forecast", 2, tmp_path)
        work = Work(frames, 64, 64, 1, 2, 2.0, POLICIES["forecast"])
        assert memory(model_config("isa-tiny"), work) == pytest.approx(measured, rel=0.1)
        beside[frames] = measured - frames * 3 * POINTS * 4
    assert beside[2001] < 1.05 * beside[497]


def printed(module: str, *arguments: object) -> int:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)
