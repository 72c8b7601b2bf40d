"""What programs wrote is shown where it matters: from its first line, or of a long log the last ones."""

import bpy

from isa_blender_addon.operators.engine.open_log import show_text


def test_a_text_is_shown_from_its_first_line_and_of_a_long_one_the_last_lines(addon):
    show_text("Short", "one\ntwo\n", None)
    show_text("Long", "".join(f"{number}\n" for number in range(1000)), None)
    assert bpy.data.texts["Short"].current_line_index == 0
    assert 950 < bpy.data.texts["Long"].current_line_index < 990
