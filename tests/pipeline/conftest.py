"""One model for the whole room: nothing here changes it."""

from dataclasses import replace

import pytest

from isa_engine.configuration import ModelConfig
from isa_engine.pipeline.model import Model, build_model
from tests.pipeline.shots import MICRO


def speaking(config: ModelConfig) -> Model:
    """Every branch of a fresh transformer is silent; with these weights each of them speaks."""
    model = build_model(config, None, "cpu")
    for k, parameter in enumerate(model.dit.parameters()):
        wave = parameter.new_tensor(range(parameter.numel())).mul(1.7 + k).sin()
        parameter.add_(0.2 * wave.reshape(parameter.shape))
    return model


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
