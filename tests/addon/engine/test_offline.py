"""Where Blender is to stay offline, no remote engine is spoken to, and a sentence says why."""

import argparse
from types import SimpleNamespace

import pytest

from isa_blender_addon.engine import chosen_engine
from isa_blender_addon.engine.chosen_engine import ChosenEngine, check_remote
from isa_blender_addon.headless import generate as batch
from isa_blender_addon.preferences.choices import Choices
from isa_engine.errors import EngineError

REMOTE = Choices(engine="REMOTE", remote_url="https://gpu.example:8000", remote_token="secret")


@pytest.fixture
def app(monkeypatch):
    """Blender with its switch; any word to an engine fails the test."""
    app = SimpleNamespace(online_access=False, binary_path="/usr/bin/blender")
    monkeypatch.setattr(chosen_engine, "bpy", SimpleNamespace(app=app))
    monkeypatch.setattr(chosen_engine, "preferences", lambda: REMOTE)
    monkeypatch.setattr(chosen_engine, "EngineClient", lambda *_: pytest.fail("the engine was spoken to"))
    return app


def test_starting_sending_asking_and_the_command_are_refused(app, tmp_path):
    engine = ChosenEngine()
    with pytest.raises(EngineError, match=r"not allowed to go online\. Allow it: Preferences"):
        engine.start()
    assert engine.at_work() is None
    # As after an answer that did not come, with a job that waits.
    engine.error, engine._asked_at = "gone", -1e9
    engine.look(wanted=True)
    assert not engine.asking
    with pytest.raises(EngineError, match="--online-mode"):
        batch.engine(argparse.Namespace(engine=REMOTE.remote_url), tmp_path).start()


def test_the_panel_says_why_there_is_no_engine(app):
    assert "not allowed to go online" in ChosenEngine().status().message


def test_an_engine_that_was_there_gets_no_more_jobs_once_blender_is_offline(app):
    engine = ChosenEngine()
    engine.health = SimpleNamespace(device="cpu", models=())
    engine._asked = REMOTE.remote_url, REMOTE.remote_token
    app.online_access = True
    assert engine.at_work().url == REMOTE.remote_url
    app.online_access = False
    assert engine.at_work() is None


def test_a_remote_engine_is_asked_only_if_blender_may_go_online(monkeypatch):
    app = SimpleNamespace(online_access=False, binary_path="/usr/bin/blender")
    monkeypatch.setattr("isa_blender_addon.engine.chosen_engine.bpy", SimpleNamespace(app=app))
    for url in ("http://127.0.0.1:8642", "http://localhost:1", "http://[::1]:2"):
        check_remote(url)
    with pytest.raises(EngineError, match="Enter its address"):
        check_remote("")
    for url in ("https://gpu.example", "http://10.0.0.1:8642", "http://localhost.example"):
        with pytest.raises(EngineError, match="Allow Online Access"):
            check_remote(url)
        app.online_access = True
        check_remote(url)
        app.online_access = False


def test_blenders_module_may_go_where_an_address_was_typed_for_it():
    """As it is, of any version: that of 4.2 does not say of itself that it is one."""
    check_remote("https://gpu.example")
