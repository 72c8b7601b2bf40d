"""What the panel draws of a scene, in every state."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import pytest

from isa_blender_addon import ui
from isa_blender_addon.session.current import close, session
from isa_blender_addon.session.reading.reading import Reading
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.ui import engine
from isa_blender_addon.ui.cast import ISA_PT_cast
from isa_blender_addon.ui.cast_list import ISA_UL_cast, _names_share
from isa_blender_addon.ui.duration import duration
from isa_blender_addon.ui.look import ISA_PT_look
from isa_blender_addon.ui.next_take import ISA_PT_generate
from isa_blender_addon.ui.plate import ISA_PT_plate
from isa_blender_addon.ui.shot import shot_lines
from isa_blender_addon.ui.sidebar import InSidebar
from isa_engine.errors import SceneError
from tests.addon.drawn import drawn
from tests.addon.scenes.cast import add_camera, stage

pytestmark = pytest.mark.usefixtures("addon")


def test_the_canvas_is_the_models_for_the_scenes_frame(scene):
    scene.render.resolution_x, scene.render.resolution_y = 1280, 720
    for detail, size in ((1, (224, 128)), (2, (400, 224))):
        scene.isa.detail = detail
        settings = generation_settings(scene)
        assert (settings.width, settings.height) == size
        assert shot_lines(scene)[2] == f"1280×720 → {size[0]}×{size[1]}"


def test_the_button_says_in_round_numbers_how_long_it_will_take():
    assert [duration(seconds) for seconds in (0.2, 44, 141, 9000)] == [
        " · about 10 s",
        " · about 40 s",
        " · about 2 min",
        " · about 2 h",
    ]


def test_blender_draws_a_ground_behind_every_panel():
    """Without a header it draws none, and dark words of a light theme stood on the dark scene."""
    sidebar = [cls for cls in ui._classes() if issubclass(cls, InSidebar)]
    assert len(sidebar) > 9
    assert [cls.__name__ for cls in sidebar if "HIDE_HEADER" in getattr(cls, "bl_options", ())] == []
    (first,) = (cls for cls in sidebar if getattr(cls, "bl_order", None) == 0)
    assert first is ISA_PT_generate


def test_every_panel_draws_in_every_state(scene, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("ISA_ENGINE_PYTHON", raising=False)
    close()
    assert "No engine on this machine." in " ".join(drawn(engine.ISA_PT_engine))
    assert "no active camera" in " ".join(drawn(ISA_PT_generate))
    add_camera(scene)
    assert "no character" in " ".join(drawn(ISA_PT_generate))
    stage(scene)
    refresh_cast(scene)
    scene.isa.cast[0].picture = str(tmp_path / "gone.png")
    scene.isa.cast[0].pose = "FRAME"
    assert "The picture is missing" in drawn(ISA_PT_cast)
    ISA_UL_cast.draw_item(None, bpy.context, MagicMock(), scene.isa, scene.isa.cast[0], 0, None, "", 0)
    scene.frame_end = 1010
    assert "was tried with" in " ".join(drawn(ISA_PT_generate))
    drawn(ISA_PT_look)
    drawn(ISA_PT_plate)
    session().fail(SceneError("the reference picture of Anna is missing", remedy="Choose another."))
    assert "Choose another." in " ".join(drawn(ISA_PT_generate))
    session().reading = Reading(scene)
    session().reading.progress = "read", 3, 12
    assert "Reading 3 of 12" in drawn(ISA_PT_generate)
    session().reading = None
    close()


def test_an_untrained_model_is_named_in_plain_words(scene, monkeypatch):
    models = tuple(
        SimpleNamespace(name=name, kind="isa", facts={"state": state})
        for name, state in (("isa-tiny", "untrained"), ("isa-4b", "here"))
    )
    stage(scene)
    refresh_cast(scene)
    session().engine.health = SimpleNamespace(models=models, device="cpu", memory=None)
    assert "untrained" in " ".join(drawn(ISA_PT_generate))
    scene.isa.model = "isa-4b"
    assert "untrained" not in " ".join(drawn(ISA_PT_generate))
    close()


def test_who_has_a_long_name_is_told_apart_in_the_cast(scene):
    stage(scene)
    refresh_cast(scene)
    (member,) = scene.isa.cast

    def share(words: str, icon: str = "NONE") -> float:
        """Of the row's words, that of the name."""
        return _names_share(bpy.context, member.character.name, words, icon, 6.2)

    assert 0.3 < share("as pictured") < 0.6
    member.character.name = "Character.001"
    assert share("as pictured") == 1, "how well it is matched is told below, too"
    assert share("file missing", "ERROR") < 0.6, "what is amiss is told in each row"
