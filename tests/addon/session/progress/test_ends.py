"""The end of a take is told: by Blender, by the desktop where that can be, by a sound where it is wanted."""

import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from isa_blender_addon.session.progress import ends
from isa_blender_addon.takes.take import Take
from isa_engine.shot import Settings
from tests.service.running import eventually


def program(folder: Path, name: str) -> Path:
    """One that writes its arguments down."""
    path = folder / name
    partial = folder / "partial"
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {partial} && mv {partial} {folder}/said\n')
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path


@pytest.mark.parametrize(("platform", "name"), [("linux", "notify-send"), ("darwin", "osascript")])
def test_the_desktop_is_given_the_text_as_it_is(tmp_path, monkeypatch, platform, name):
    program(tmp_path, name)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(ends.sys, "platform", platform)
    text = '-"; rm $HOME `ls` Scene-001 is on the camera.'
    ends.notify(text)
    eventually((tmp_path / "said").exists, "it is said", 10)
    assert (tmp_path / "said").read_text().splitlines()[-2:] == ["Blender", text]


def test_where_nothing_can_notify_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ends.notifier("linux") == ends.notifier("win32") == ends.notifier("darwin") == []
    ends.notify("Scene-001 is on the camera.")


@pytest.fixture
def told(monkeypatch):
    """What is told by each way in a Blender with a window."""
    ways = {"blender": [], "desktop": [], "sound": []}
    monkeypatch.setattr(ends.bpy, "app", SimpleNamespace(background=False))
    tell = SimpleNamespace(tell=lambda _mode, **values: ways["blender"].append(values))
    monkeypatch.setattr(ends.bpy, "ops", SimpleNamespace(isa=tell))
    monkeypatch.setattr(ends, "in_a_window", lambda call: call())
    monkeypatch.setattr(ends, "notify", ways["desktop"].append)
    monkeypatch.setattr(ends, "chime", lambda: ways["sound"].append(True))
    return ways


def take(**changes) -> Take:
    return Take(Path("/takes/Scene-001"), "s", "", "Scene", (1, 9, 1), Settings(), **changes)


def test_the_ways_are_the_artists_choice(told, monkeypatch):
    chosen = SimpleNamespace(notify=True, sound=False)
    monkeypatch.setattr(ends, "preferences", lambda: chosen)
    ends.tell_end(take(state="done", imported=True))
    assert told["blender"] == [{"text": "Scene-001 is on the camera.", "failed": False}]
    assert (told["desktop"], told["sound"]) == (["Scene-001 is on the camera."], [])
    chosen.notify, chosen.sound = False, True
    ends.tell_end(take(state="failed", error="The disk is full."))
    assert told["blender"][1] == {"text": "Scene-001 failed: The disk is full.", "failed": True}
    assert (len(told["desktop"]), told["sound"]) == (1, [True])


def test_the_sound_is_two_tones_and_a_machine_without_one_stays_silent(monkeypatch):
    aud = pytest.importorskip("aud", reason="this Blender is built without sound, as the module of 4.2 is")
    played = []
    monkeypatch.setattr(aud, "Device", lambda: SimpleNamespace(play=played.append))
    ends.chime()
    samples = played[0].data()
    assert 0.3 < len(samples) / played[0].specs[0] < 0.4
    assert 0.05 < abs(samples).max() <= 0.35

    def mute():
        raise aud.error("no device")

    monkeypatch.setattr(aud, "Device", mute)
    ends.chime()
    monkeypatch.setitem(sys.modules, "aud", None)
    ends.chime()
    assert len(played) == 1
