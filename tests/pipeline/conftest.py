"""One model for the whole room: nothing here changes it."""

from dataclasses import replace

import pytest

from tests.pipeline.shots import MICRO, speaking


@pytest.fixture(scope="session")
def model():
    return speaking(MICRO)


@pytest.fixture(scope="session")
def model_in_2d():
    """The ablation that is conditioned by normal maps."""
    dit = replace(MICRO.dit, conditioning="controlnet-2d", points=18)
    return speaking(replace(MICRO, name="micro-controlnet-2d", dit=dit))


@pytest.fixture(scope="session")
def silent():
    """A report that goes nowhere."""
    return lambda progress: None
