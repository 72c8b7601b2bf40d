import sys

import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.session.current import session
from tests.addon import fake_engine
from tests.addon.fake_engine import FAST
from tests.addon.scenes.cast import stage


@pytest.fixture
def shot(addon, scene, tmp_path, monkeypatch):
    """A staged scene, and an engine installed."""
    monkeypatch.setattr(process, "ENGINE", fake_engine.COMMAND)
    monkeypatch.setenv("ISA_ENGINE_PYTHON", sys.executable)
    stage(scene, frames=4)
    scene.isa.folder = str(tmp_path / "takes")
    scene.isa.steps, scene.isa.seed = 2, FAST
    # The engine runs on from test to test; one of its jobs does not.
    yield scene
    for job in session().queue.jobs():
        session().queue.cancel(job.take.folder)
