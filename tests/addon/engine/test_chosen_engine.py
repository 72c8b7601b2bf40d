"""The engine that the preferences name: asked how it is, asked again, and known by a name without secrets."""

import socket
import sys

import pytest

from isa_blender_addon.engine import chosen_engine, process
from isa_blender_addon.engine.chosen_engine import ChosenEngine
from isa_blender_addon.engine.process import RemoteEngine
from isa_blender_addon.preferences.choices import Choices
from isa_blender_addon.takes.take import HERE
from tests.service.running import COMMAND, RunningEngine, eventually

TOKEN = "the-studio's"


@pytest.fixture
def choices(monkeypatch) -> Choices:
    choices = Choices(engine="REMOTE", remote_token=TOKEN)
    monkeypatch.setattr(chosen_engine, "preferences", lambda: choices)
    monkeypatch.setattr(chosen_engine, "_ASK_SECONDS", 0)
    return choices


@pytest.fixture
def remote(choices, tmp_path):
    """A remote engine that can be started, and started again at the same address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    choices.remote_url = f"http://127.0.0.1:{port}"
    running = []

    def start() -> RunningEngine:
        options = ("--port", str(port), "--stop-with-stdin")
        running.append(RunningEngine(tmp_path / "data", *options, ISA_ENGINE_TOKEN=TOKEN))
        return running[-1]

    yield start
    for engine in running:
        engine.end()


def settled(engine: ChosenEngine) -> None:
    eventually(lambda: not engine.asking, "it was asked")


def test_a_remote_engine_that_comes_up_later_gets_what_waits_for_it(choices, remote):
    engine = ChosenEngine()
    engine.start()
    settled(engine)
    assert "the engine does not answer" in engine.error
    assert engine.at_work() is None
    engine.look(wanted=False)
    assert not engine.asking, "nobody waits for it"
    remote()
    eventually(lambda: engine.look(wanted=True) or engine.at_work(), "it is there")
    assert (engine.error, engine.status().state) == ("", "ready")


@pytest.mark.parametrize("address", ["https://anna:s3cret@gpu:8642/", "anna:s3cret@gpu", "https://s3cret@[x"])
def test_a_password_in_the_address_is_shown_nowhere(choices, monkeypatch, address):
    choices.remote_url = address
    engine = ChosenEngine()
    told = [engine.status().message, engine.name, RemoteEngine(address, TOKEN).poll().message]
    monkeypatch.setattr(engine, "_asked", (address, TOKEN))
    monkeypatch.setattr(engine, "_health", object())
    assert engine.status().state == "ready"
    assert "s3cret" not in " ".join([*told, engine.status().message])


def test_an_engine_of_another_version_is_said(choices, remote, monkeypatch):
    monkeypatch.setattr("isa_engine.__version__", "99.0.0")
    remote()
    engine = ChosenEngine()
    engine.start()
    settled(engine)
    assert "this is version 99.0.0" in engine.error
    assert engine.at_work() is None


def test_another_token_is_another_engine_until_it_has_answered(choices, remote):
    remote()
    engine = ChosenEngine()
    engine.start()
    settled(engine)
    assert engine.status().state == "ready"
    choices.remote_token = "wrong"
    assert engine.at_work() is None
    engine.start()
    settled(engine)
    assert "refuses the token" in engine.error
    assert engine.refused
    choices.remote_token = TOKEN
    engine.start()
    assert not engine.refused
    settled(engine)
    assert (engine.error, engine.refused) == ("", False)


def test_an_engine_that_loads_its_model_is_asked_until_it_has(choices, remote, monkeypatch):
    remote()
    engine = ChosenEngine()
    engine.start()
    eventually(
        lambda: engine.look(wanted=False) or (engine.health and engine.health.worker == "ready"), "loaded"
    )
    assert engine.health.device
    answered = engine.health
    engine.look(wanted=False)
    assert not engine.asking, "it was asked a moment ago"
    monkeypatch.setattr(chosen_engine, "_FRESH_SECONDS", 0)
    eventually(lambda: engine.look(wanted=False) or engine.health is not answered, "asked again")


def test_an_engine_that_was_well_is_still_the_one_when_it_does_not_answer_once(choices, remote, monkeypatch):
    service = remote()
    engine = ChosenEngine()
    engine.start()
    settled(engine)
    monkeypatch.setattr(chosen_engine, "_FRESH_SECONDS", 0)
    service.end()
    engine.look(wanted=False)
    settled(engine)
    assert (engine.error, engine.status().state) == ("", "ready")
    engine.start()
    settled(engine)
    assert "the engine does not answer" in engine.error
    assert engine.at_work() is None


def test_names_hold_no_secret_and_tell_engines_apart(choices, monkeypatch):
    engine = ChosenEngine()
    choices.remote_url = "https://artist:secret@gpu.example:8000"
    assert engine.name == "gpu.example:8000"
    choices.engine = "LOCAL"
    assert engine.name == HERE
    monkeypatch.setattr(process, "ENGINE", COMMAND)
    choices.engine_python = sys.executable
    engine.start()
    assert engine.name == HERE + "0"
    engine.close()
