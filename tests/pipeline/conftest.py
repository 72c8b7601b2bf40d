"""One model for the whole room: nothing here changes it."""

import pytest

from isa_engine.pipeline.model import build_model
from tests.pipeline.shots import MICRO


@pytest.fixture(scope="session")
def model():
    """Every branch of a fresh transformer is silent; with these weights each of them speaks."""
    model = build_model(MICRO, None, "cpu")
    for k, parameter in enumerate(model.dit.parameters()):
        wave = parameter.new_tensor(range(parameter.numel())).mul(1.7 + k).sin()
        parameter.add_(0.2 * wave.reshape(parameter.shape))
    return model


@pytest.fixture(scope="session")
def silent():
    """A report that goes nowhere."""
    return lambda progress: None
