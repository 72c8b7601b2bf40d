"""What is told of memory is what a processor's generation takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isa_engine.configuration import model_config
from isa_engine.cost.memory import memory
from isa_engine.geometry.surface import POINTS
from isa_engine.models import describe
from isa_engine.models.work import work_of
from tests.cost.generation_process import shot_of

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
    given = frames, width, height, characters, policy, steps
    measured = printed("tests.cost.generation_process", *given, tmp_path)
    assert told(*given) == pytest.approx(measured, rel=0.1)


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
        given = frames, 64, 64, 1, "forecast", 2
        measured = printed("tests.cost.generation_process", *given, tmp_path)
        assert told(*given) == pytest.approx(measured, rel=0.1)
        beside[frames] = measured - frames * 3 * POINTS * 4
    assert beside[2001] < 1.05 * beside[497]


def told(*given: object) -> float:
    """Bytes of the very shot: of how many points a tile is told depends on where its people are."""
    return memory(model_config("isa-tiny"), work_of(shot_of(*given), describe("isa-tiny")))


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
