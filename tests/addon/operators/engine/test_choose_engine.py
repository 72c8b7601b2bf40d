"""The window that chooses an engine: Cancel cancels, OK connects, and who has none is told how to get one."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

import isa_blender_addon
from isa_blender_addon.engine.installing import how_to_install
from isa_blender_addon.operators.engine import choose_engine
from isa_blender_addon.operators.engine.choose_engine import ISA_OT_choose_engine
from isa_blender_addon.preferences.choices import Choices
from isa_blender_addon.session.current import session
from isa_blender_addon.ui import engine as ui_engine
from tests.addon.drawn import drawn


@pytest.fixture
def choices(monkeypatch):
    choices = Choices(engine="LOCAL", remote_url="https://old:1", remote_token="old")
    monkeypatch.setattr(choose_engine, "preferences", lambda: choices)
    return choices


@pytest.fixture
def window(choices):
    """The operator with its window open, in which the artist has typed."""
    shown = []
    manager = SimpleNamespace(invoke_props_dialog=lambda operator, width: shown.append(operator))
    operator = SimpleNamespace()
    ISA_OT_choose_engine.invoke(operator, SimpleNamespace(window_manager=manager), None)
    assert shown == [operator]
    choices.engine, choices.remote_url, choices.remote_token = "REMOTE", "https://new:2", "new"
    return operator


def test_cancel_cancels(choices, window):
    ISA_OT_choose_engine.cancel(window, None)
    assert choices == Choices(engine="LOCAL", remote_url="https://old:1", remote_token="old")


def test_ok_connects_to_a_remote_engine_and_keeps_what_was_typed(choices, window, monkeypatch):
    asked = []
    monkeypatch.setattr(
        choose_engine,
        "session",
        lambda: SimpleNamespace(start_engine=lambda: asked.append(choices.remote_url)),
    )
    ISA_OT_choose_engine.run(window, None)
    assert asked == ["https://new:2"]
    choices.engine = "LOCAL"
    ISA_OT_choose_engine.run(window, None)
    assert len(asked) == 1, "this machine's is started when it is needed"


def test_a_token_is_no_property_of_the_operator(choices, window):
    assert not [one for one in ISA_OT_choose_engine.bl_rna.properties if "token" in one.identifier]


def test_a_refused_token_has_its_button(addon, monkeypatch):
    monkeypatch.setattr(ui_engine, "preferences", lambda: Choices(engine="REMOTE"))
    buttons = []
    for refused in (False, True):
        monkeypatch.setattr(session().engine, "refused", refused)
        buttons.append("Enter Token" in operators_of(ui_engine.ISA_PT_engine))
    assert buttons == [False, True]


def operators_of(cls) -> list[str]:
    from unittest.mock import MagicMock

    layout = MagicMock()
    layout.row.return_value = layout.column.return_value = layout
    cls.draw(SimpleNamespace(layout=layout), bpy.context)
    return [call.kwargs.get("text", call.args[0]) for call in layout.operator.call_args_list]


def test_who_has_no_engine_gets_the_lines_that_install_one(addon, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("ISA_ENGINE_PYTHON", raising=False)
    assert "No engine on this machine." in " ".join(drawn(ui_engine.ISA_PT_engine))
    assert "isa.how_to_install" in operators_of(ui_engine.ISA_PT_engine)
    assert bpy.ops.isa.how_to_install() == {"FINISHED"}
    assert "install/engine.sh" in bpy.data.texts["ISA Engine"].as_string()


def test_the_wheel_is_looked_for_beside_the_add_ons_entry_where_the_extension_has_it(addon, monkeypatch):
    asked = []
    monkeypatch.setattr(choose_engine, "how_to_install", lambda wheels, _platform: asked.append(wheels) or "")
    assert bpy.ops.isa.how_to_install() == {"FINISHED"}
    assert asked == [Path(isa_blender_addon.__file__).parent / "wheels"]


@pytest.mark.parametrize("part", ["engine", "detector"])
def test_the_lines_are_for_the_wheel_of_the_extension_whatever_its_folder_is_called(tmp_path, part):
    wheel = tmp_path / "Anna's files" / "isa_engine-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    text = how_to_install(wheel.parent, "linux")
    lines = [shlex.split(line) for line in text.splitlines() if line.startswith("    ")]
    (install,) = (line for line in lines if line[-1].endswith(f"[{part}]"))
    assert install[1:] == ["-m", "pip", "install", f"{wheel}[{part}]"]
    assert ["python3", "-m", "venv", f"$HOME/isa-{part}"] in lines
    assert [f"$HOME/isa-{part}/bin/python", "-m", "isa_engine.client.location", part] in lines
    assert "%USERPROFILE%\\isa-engine\\Scripts\\python.exe" in how_to_install(wheel.parent, "win32")
