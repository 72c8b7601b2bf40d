"""One tiny model for the whole room, added to a user's data of its own."""

import functools

import pytest

from isa_engine import cli
from isa_engine.pipeline import load_model, pictures
from tests.pipeline.vace.folders import write_tiny

NAME = "tiny-vace"


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """The folder as its makers publish it."""
    return write_tiny(tmp_path_factory.mktemp("published") / NAME)


@pytest.fixture(scope="session", autouse=True)
def decoded_once():
    """A process for every picture, each time it is looked at, would take longer than all else here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "decode", functools.cache(pictures.decode))
        yield


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def added(published, own_data, capsys):
    assert cli.main(["model", "add", str(published), "--accept-licence"]) == 0
    capsys.readouterr()
    return NAME


@pytest.fixture
def model(added):
    return load_model(added, "cpu")
