"""A take's end is told: by Blender's own banner, by the desktop, and by a sound for who wants one."""

import contextlib
import shutil
import subprocess
import sys

import bpy

from ...blender.window import in_a_window
from ...language.translation import said
from ...preferences.choices import preferences
from ...takes.take import Take

_TITLE = "Blender"
# Hertz of the two tones, seconds of each, and how loud of 1.
_TONES, _TONE_SECONDS, _LOUD = (660, 880), 0.18, 0.3


def tell_end(take: Take) -> None:
    """Of a take whose plate is in its scene, or whose job has failed. Without a window nobody is told."""
    if bpy.app.background:
        return
    if take.state == "failed":
        text = said("{take} failed: {error}", take=take.name, error=take.error)
    else:
        text = said("{take} is on the camera.", take=take.name)
    in_a_window(lambda: bpy.ops.isa.tell("INVOKE_DEFAULT", text=text, failed=take.state == "failed"))
    chosen = preferences()
    if chosen.notify:
        notify(text)
    if chosen.sound:
        chime()


def notify(text: str) -> None:
    """Show it on the desktop, where the system has a program for that."""
    command = notifier(sys.platform)
    if command:
        with contextlib.suppress(OSError):
            subprocess.Popen(
                [*command, _TITLE, text],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )


def notifier(platform: str) -> list[str]:
    """The command that shows a title and a text, its next two arguments; empty where there is none.

    Args:
        platform: as ``sys.platform`` has it.
    """
    if platform == "darwin" and (script := shutil.which("osascript")):
        show = "display notification (item 2 of argv) with title (item 1 of argv)"
        return [script, "-e", "on run argv", "-e", show, "-e", "end run"]
    # "--": what begins with a hyphen is a text, too.
    send = shutil.which("notify-send")
    return [send, "--"] if send else []


def chime() -> None:
    """Two tones; nothing where machine or Blender have no sound."""
    try:
        import aud
    except ImportError:
        # Some distributions build Blender without it.
        return
    first, second = (
        aud.Sound.sine(hertz).limit(0, _TONE_SECONDS).fadeout(_TONE_SECONDS / 2, _TONE_SECONDS / 2)
        for hertz in _TONES
    )
    with contextlib.suppress(aud.error):
        aud.Device().play(first.join(second).volume(_LOUD))
