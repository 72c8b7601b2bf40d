"""The panel's models are those that the engine has; words are asked for where the chosen one reads them."""

import threading
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import pytest

from isa_blender_addon.headless.generate import meet
from isa_blender_addon.preflight.glance import engine_seconds, glance, work_of
from isa_blender_addon.session.current import session
from isa_blender_addon.session.generating import generate
from isa_blender_addon.session.reading.readiness import obstacle
from isa_blender_addon.settings import models
from isa_blender_addon.settings.cast import prompts, references, refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.ui.background import ISA_PT_background
from isa_blender_addon.ui.cast_list import draw_member
from isa_blender_addon.ui.look import ISA_PT_look
from isa_blender_addon.ui.models import ISA_MT_models
from isa_blender_addon.ui.next_take import ISA_PT_generate
from isa_blender_addon.ui.shot import ISA_PT_shot
from isa_engine.errors import EngineError, SceneError
from isa_engine.models import KINDS
from isa_engine.service.http.engine_routes import model_info
from tests.addon.drawn import drawn
from tests.addon.scenes.cast import stage
from tests.addon.scenes.shot import capture_shot
from tests.pipeline import discs

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def staged(scene):
    stage(scene, frames=3)
    refresh_cast(scene)
    yield scene
    models.report(None)
    models.look()


@pytest.fixture
def engine(monkeypatch):
    """An engine that has a model of a kind of its own, and none of the house's weights."""
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    known = model_info(discs.NAME)
    models.look()
    tiny = SimpleNamespace(name="isa-tiny", kind="isa", facts={"state": "untrained"})
    stranger = SimpleNamespace(name="stranger", kind="of another version", facts={})
    broken = SimpleNamespace(name="isa-4b", kind="isa", facts={"state": 7})
    return [known, tiny, stranger, broken]


def lines() -> dict[str, str]:
    """What the menu offers, by what a click on it chooses."""
    layout, buttons = MagicMock(), []

    def button(_, **given):
        buttons.append((SimpleNamespace(), given))
        return buttons[-1][0]

    layout.operator.side_effect = button
    ISA_MT_models.draw(SimpleNamespace(layout=layout), bpy.context)
    return {button.model: given["text"] for button, given in buttons}


def asked(cls_or_draw, *arguments) -> list[str]:
    """The properties that something draws."""
    layout = MagicMock()
    for name in ("row", "column", "box", "split"):
        getattr(layout, name).return_value = layout
    if arguments:
        cls_or_draw(bpy.context, layout, *arguments)
    else:
        cls_or_draw.draw(SimpleNamespace(layout=layout), bpy.context)
    return [call.args[1] for call in (*layout.prop.call_args_list, *layout.prop_enum.call_args_list)]


def test_the_list_is_the_engines_with_licence_and_state(staged, engine):
    before = lines()
    assert next(iter(before)) == "isa-tiny"
    assert "isa-4b" in before.values(), "whether it has weights is for the engine to tell"
    models.report(engine)
    assert lines() == {"discs": "discs · CC0-1.0", "isa-tiny": "isa-tiny · no weights"}
    (found, *_) = [found for found in glance(staged, None) if "untrained" in found.sentence]
    assert found.mends[0].values == {"model": "discs"}
    assert bpy.ops.isa.use_model(model="discs") == {"FINISHED"}
    assert not [found for found in glance(staged, None) if "untrained" in found.sentence]
    assert bpy.ops.isa.use_model(model="stranger") == {"CANCELLED"}
    # The local add-on knows isa-4b, and this engine does not.
    staged.isa.model = "isa-4b"
    assert "The engine does not have the model isa-4b." in [found.sentence for found in glance(staged, None)]


def test_a_model_of_another_kind_needs_no_line_of_the_panel(staged, engine):
    models.report(engine)
    staged.isa.model = "discs"
    assert min(generation_settings(staged).width, generation_settings(staged).height) == 48
    assert "→ 84×48" in " ".join(drawn(ISA_PT_shot))
    assert sum(engine_seconds(staged, "cpu", None).values()) > 0


def test_words_and_one_by_one_are_asked_for_and_sent_where_the_model_knows_them(staged, engine):
    models.report(engine)
    (member,) = staged.isa.cast
    staged.isa.prompt, staged.isa.negative_prompt, member.prompt = "a street", "text", "a red coat"
    staged.isa.one_by_one = True
    for model, reads in (("isa-tiny", False), ("discs", True)):
        staged.isa.model = model
        only_some = {"prompt", "negative_prompt", "one_by_one"}
        assert only_some & set(asked(ISA_PT_look)) == (only_some if reads else set())
        assert ("prompt" in asked(draw_member, member)) == reads
        shot = capture_shot(staged, generation_settings(staged), references(staged), prompts(staged))
        settings = shot.settings
        assert settings.one_by_one == reads
        assert (settings.prompt, settings.negative_prompt) == (("a street", "text") if reads else ("", ""))
        assert shot.characters[0].prompt == ("a red coat" if reads else "")


def test_detail_is_a_larger_canvas_where_the_model_paints_in_tiles_and_costs_its_tiles(staged, engine):
    models.report(engine)
    for model, tiled in (("isa-tiny", True), ("discs", False)):
        staged.isa.model = model
        assert ("detail" in asked(ISA_PT_look)) == tiled
        seconds, canvases = [], []
        for detail in (1, 3):
            staged.isa.detail = detail
            settings = generation_settings(staged)
            canvases.append((settings.width, settings.height))
            seconds.append(engine_seconds(staged, "cpu", None)["denoise"])
            assert "→ {}×{}".format(*canvases[-1]) in " ".join(drawn(ISA_PT_shot))
        if tiled:
            assert canvases == [(224, 128), (568, 320)]
            # Eighteen squares of 16 × 16 latent pixels, each told of all of the cast, in place of one canvas
            # of 28 × 16: a pixel costs the same by itself, and a little less of attention within a square.
            pixels = 18 * 16 * 16 / (28 * 16)
            assert 0.9 * pixels < seconds[1] / seconds[0] < 18
        else:
            assert canvases[0] == canvases[1]
            assert seconds[0] == seconds[1]


def test_a_plate_has_more_pixels_than_its_canvas_where_the_model_lays_it_over_a_background(staged, engine):
    models.report(engine)
    staged.isa.plate_scale = 3
    for model, background in (
        ("isa-tiny", "RENDER"),
        ("isa-tiny", "FOOTAGE"),
        ("isa-tiny", "NONE"),
        ("discs", "RENDER"),
    ):
        staged.isa.model, staged.isa.background = model, background
        scales = (model, background != "NONE") == ("isa-tiny", True)
        assert ("plate_scale" in asked(ISA_PT_background)) == scales
        assert generation_settings(staged).plate_scale == (3 if scales else 1)
        assert work_of(staged).plate_scale == (3 if scales else 1)
        assert ("400×224, plate 1200×672" in " ".join(drawn(ISA_PT_shot))) == scales
        assert ("plate" in " ".join(drawn(ISA_PT_shot))) == scales


def test_a_plate_that_has_less_than_the_usual_scale_is_told_beside_it(staged):
    staged.isa.background, staged.isa.detail = "RENDER", 1
    assert "for this frame" not in " ".join(drawn(ISA_PT_background))
    staged.render.resolution_x, staged.render.resolution_y = 6400, 200
    assert "1 for this frame" in " ".join(drawn(ISA_PT_background))
    assert "plate" not in " ".join(drawn(ISA_PT_shot))
    # The line under Generate tells who has chosen it.
    staged.isa.plate_scale = 2
    assert "for this frame" not in " ".join(drawn(ISA_PT_background))
    assert "Set Plate Scale to 1" in str(obstacle(staged))


def test_a_model_that_nobody_knows_is_said_and_everything_draws(staged):
    staged.isa.model = "wan-vace-of-a-friend"
    assert "there is no model 'wan-vace-of-a-friend' here" in str(obstacle(staged))
    assert "there is no model" in " ".join(drawn(ISA_PT_generate)).lower()
    assert "→ ?" in " ".join(drawn(ISA_PT_shot))
    assert asked(ISA_PT_look)
    assert asked(ISA_PT_background)
    assert engine_seconds(staged, "", None) == {}
    with pytest.raises(SceneError, match="start the engine that has it"):
        generate(session(), staged)


def test_without_a_window_a_remote_engine_is_asked_before_its_model_is_refused(staged, engine, monkeypatch):
    remote = SimpleNamespace(health=None, asking=False, error="", refused=False, started=0)

    def start():
        remote.started += 1
        if remote.started == 2:
            models.report(engine)
            remote.health = True

    remote.start = start
    meet(remote, threading.Event())
    assert models.model_named("discs").state == "here"
    refusing = SimpleNamespace(health=None, asking=False, error="the token is unknown", refused=True)
    with pytest.raises(EngineError, match="token is unknown"):
        meet(refusing, threading.Event())
