"""One generator and a few clips for the whole room: nothing here changes them."""

import functools

import pytest

from isa_engine.evaluation.ablation import runs as ablation_runs
from isa_engine.evaluation.held_out import clips as held_out
from isa_engine.evaluation.held_out.clips import HeldOut
from isa_engine.evaluation.held_out.kinds import GROUND, ONE, SEVERAL
from isa_engine.pipeline.isa.model import build_model
from tests.pipeline.shots import MICRO


@pytest.fixture(scope="session", autouse=True)
def one_generator():
    """Spreading points over the body takes seconds; once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_out, "synthetic_humans", functools.cache(held_out.synthetic_humans))
        patch.setattr(ablation_runs, "synthetic_clips", functools.cache(ablation_runs.synthetic_clips))
        yield


class Kept(HeldOut):
    """Held-out clips that are made once."""

    @functools.cache  # noqa: B019
    def kept(self, kind, count):
        return list(super().clips(kind, count))

    def clips(self, kind, count):
        return iter(self.kept(kind, count))


@pytest.fixture(scope="session")
def clips():
    return Kept(frames=9, height=48, width=64, seed=0, device="cpu")


@pytest.fixture(scope="session")
def one(clips):
    return list(clips.clips(ONE, 2))


@pytest.fixture(scope="session")
def several(clips):
    return list(clips.clips(SEVERAL, 2))


@pytest.fixture(scope="session")
def ground(clips):
    return next(clips.clips(GROUND, 2))


@pytest.fixture(scope="session")
def model():
    return build_model(MICRO, None, "cpu")
