"""All that the artist does is found by Blender's search, menus and keys."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import pytest

from isa_blender_addon.session.current import session
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.ui import engine, keymap, menus
from isa_engine.client.protocol import Health
from tests.addon.scenes.cast import add_person

KEYMAPS = Path(bpy.utils.resource_path("LOCAL")) / "scripts/presets/keyconfig/keymap_data"


def entries(draw) -> set[str]:
    """The operators and menus of a drawn menu, pie or not."""
    layout = MagicMock()
    layout.menu_pie.return_value = layout
    draw(SimpleNamespace(layout=layout), bpy.context)
    calls = (*layout.operator.call_args_list, *layout.operator_menu_enum.call_args_list)
    return {call.args[0] for call in (*calls, *layout.menu.call_args_list)}


def test_the_menus_hold_what_there_is_to_do_and_all_of_it_exists(addon):
    assert entries(menus.VIEW3D_MT_isa.draw) == {"isa.add_to_cast", "isa.import_motion", "isa.bundled_motion"}
    add_person("Anna")
    refresh_cast(addon)
    every = (
        entries(menus.VIEW3D_MT_isa.draw) | entries(menus._in_render) | entries(menus.VIEW3D_MT_PIE_isa.draw)
    )
    assert every >= {"isa.generate", "isa.compare_takes", "isa.match_reference", "isa.remove_character"}
    for name in every:
        group, operator = name.split(".")
        assert getattr(getattr(bpy.ops, group), operator).get_rna_type()
    assert entries(menus._in_object) == {"VIEW3D_MT_isa"}


def held(keys: dict) -> set[str]:
    """The modifiers that are held, "any" among them."""
    return {name for name in ("any", "shift", "ctrl", "alt", "oskey") if keys.get(name)}


def test_each_key_does_something_of_its_own(addon):
    assert len({frozenset(held(keys)) for _, keys in keymap.KEYS}) == len(keymap.KEYS)
    for name, _ in keymap.KEYS:
        assert name in dir(bpy.types) or name.split(".")[1] in dir(bpy.ops.isa)


@pytest.mark.parametrize("name", ["blender_default", "industry_compatible_data"])
def test_our_keys_are_free_in_blenders_own_keymaps(name):
    spec = importlib.util.spec_from_file_location(name, KEYMAPS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    keymaps = module.generate_keymaps(
        module.Params(select_mouse="LEFT") if name == "blender_default" else None
    )
    taken = [
        item
        for _, _, content in keymaps
        for item in content["items"]
        if item[1]["type"] == keymap.KEY and held(item[1]) in [held(keys) for _, keys in keymap.KEYS]
    ]
    assert taken == []


def test_the_engine_is_one_line(addon, monkeypatch):
    monkeypatch.setattr(session().engine, "health", None)
    assert engine.engine_line(addon) == f"This machine · {addon.isa.model}"
    health = Health("0", "ready", "cuda:0,cuda:1", None, 1, ())
    monkeypatch.setattr(session().engine, "health", health)
    assert engine.engine_line(addon) == f"This machine · {addon.isa.model} · CUDA"


def test_a_seed_is_rolled_to_another(addon):
    for _ in range(5):
        before = addon.isa.seed
        assert bpy.ops.isa.roll_seed() == {"FINISHED"}
        assert addon.isa.seed != before
