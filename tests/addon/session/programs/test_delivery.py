"""The button that writes people with alpha, by the engine itself."""

import sys
from types import SimpleNamespace

import bpy
import pytest

import isa_blender_addon
from isa_blender_addon.operators.kinds.waiting import WaitingOperator
from isa_blender_addon.operators.takes import deliver
from isa_blender_addon.session.programs import delivery
from isa_blender_addon.ui.delivery import ISA_PT_delivery
from tests.addon.drawn import drawn
from tests.addon.plates import write_movie

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def results(scene, tmp_path, monkeypatch):
    monkeypatch.setenv("ISA_ENGINE_PYTHON", sys.executable)
    write_movie(tmp_path / "plate.mp4", 3, 48, 32)
    write_movie(tmp_path / "matte.mp4", 3, 48, 32, seed=5, grey=True)
    scene.isa.last_results = str(tmp_path)
    return tmp_path


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_button_writes_what_the_command_writes(results):
    assert bpy.ops.isa.deliver(kind="exr") == {"FINISHED"}
    assert names(results / "people_exr") == {f"people.{n:04}.exr" for n in (1, 2, 3)}
    assert names(results) == {"plate.mp4", "matte.mp4", "people_exr"}


def test_what_the_engine_says_is_said_as_a_sentence(results):
    (results / "matte.mp4").unlink()
    with pytest.raises(
        RuntimeError, match=r"^Error: The file is missing \(\S+matte\.mp4\)\. Generate the take"
    ):
        bpy.ops.isa.deliver(kind="png")
    assert delivery.under_way.current is None
    assert names(results) == {"plate.mp4"}


def test_without_an_engine_here_or_a_plate_there_is_a_remedy(results, scene, monkeypatch):
    monkeypatch.setenv("ISA_ENGINE_PYTHON", str(results / "gone"))
    with pytest.raises(RuntimeError, match=r"cannot be started.*preferences"):
        bpy.ops.isa.deliver()
    monkeypatch.setenv("ISA_ENGINE_PYTHON", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(results))
    with pytest.raises(RuntimeError, match=r"install/engine\.sh"):
        bpy.ops.isa.deliver()
    scene.isa.last_results = ""
    assert not bpy.ops.isa.deliver.poll()


def test_the_artist_can_cancel_it_and_what_was_written_before_stays(results, tmp_path_factory, monkeypatch):
    """By an engine that begins and never ends, in the operator's own order of events."""
    slow = tmp_path_factory.mktemp("slow") / "python"
    slow.write_text(f'#!/bin/sh\nmkdir "{results}/people_png.part"\nexec sleep 600\n')
    slow.chmod(0o755)
    monkeypatch.setenv("ISA_ENGINE_PYTHON", str(slow))
    (results / "people_png").mkdir()
    said, removed = [], []
    manager = SimpleNamespace(
        event_timer_add=lambda *_, **__: "timer",
        event_timer_remove=removed.append,
        modal_handler_add=lambda _: None,
    )
    context = SimpleNamespace(window_manager=manager, window=None, scene=bpy.context.scene)
    # Blender alone makes an operator of its own class; its methods are all that a window calls.
    own = {name: vars(deliver.ISA_OT_deliver)[name] for name in ("begin", "look", "end")}
    operator = type("Clicked", (WaitingOperator,), {**own, "kind": "png", "every": 0.0})()
    operator.report = lambda kind, text: said.append((kind, text))

    def tick():
        return operator.modal(context, SimpleNamespace(type="TIMER"))

    assert operator.invoke(context, None) == {"RUNNING_MODAL"}
    while not (results / "people_png.part").exists():
        assert tick() == {"PASS_THROUGH"}
    assert "Writing people_png" in drawn(ISA_PT_delivery)
    assert not bpy.ops.isa.deliver.poll()
    assert bpy.ops.isa.cancel_delivery() == {"FINISHED"}
    while (state := tick()) == {"PASS_THROUGH"}:
        pass
    assert (state, removed, said) == ({"CANCELLED"}, ["timer"], [({"INFO"}, "Canceled.")])
    assert names(results) == {"plate.mp4", "matte.mp4", "people_png"}
    assert bpy.ops.isa.deliver.poll()


def test_disabling_the_add_on_ends_it(results, monkeypatch):
    endless = results / "python"
    endless.write_text("#!/bin/sh\nexec sleep 100\n")
    endless.chmod(0o755)
    monkeypatch.setenv("ISA_ENGINE_PYTHON", str(endless))
    work = delivery.begin(bpy.context.scene, "prores")
    assert not work.command.over
    isa_blender_addon.unregister()
    assert delivery.under_way.current is None
    assert work.command.over
    isa_blender_addon.register()
