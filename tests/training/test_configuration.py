"""Configurations say what they do not understand."""

import pytest

from isa_engine.errors import ModelError
from isa_engine.training.configuration import DiTTraining, VAETraining, read_configuration


def test_a_file_changes_the_defaults(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('model = "isa-small"\nframes = [5, 9]\nl1 = 2\n')
    settings = read_configuration(path, VAETraining, seed=3)
    assert (settings.model, settings.frames, settings.l1, settings.seed) == ("isa-small", (5, 9), 2.0, 3)
    assert settings.batch == VAETraining().batch


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stepz = 3", "unknown key 'stepz'"),
        ('steps = "many"', "key 'steps' is 'many', not int"),
        ("steps = [", "cannot read the configuration"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, text, sentence):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match=r"run\.toml") as error:
        read_configuration(path, DiTTraining)
    assert sentence in str(error.value)
