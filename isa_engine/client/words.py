"""What people, shots and engines call things, before it is stored, shown in a list or written into a log.

Control characters can move a terminal's cursor or forge a line of a log; others change the direction of
writing or take no room, by which a name in a list could look like another. Joiners stay: names are written
with them, in Persian as in Hindi.
"""

import re

from isa_engine.client.protocol import MAX_SENTENCE

# Patterns of a line of text, and of several, without such characters.
_ODD = "\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2064\\u2066-\\u2069\\ufeff"
LINE = f"^[^\\x00-\\x1f\\x7f-\\x9f{_ODD}]*$"
LINES = LINE.replace("\\x00-\\x1f", "\\x00-\\x09\\x0b-\\x1f")
_REPLACED = "\ufffd"
_IN_LINE, _IN_LINES = (re.compile(pattern[1:-2].replace("[^", "[")) for pattern in (LINE, LINES))


def line(text: str) -> str:
    """A text on one line, and nothing in it but text."""
    return _IN_LINE.sub(_REPLACED, text)


def lines(text: str) -> str:
    """A text of several lines, and nothing in it but text."""
    return _IN_LINES.sub(_REPLACED, text)


def sentence(text: str) -> str:
    """As ``line``, and no longer than a sentence may be."""
    return line(text)[:MAX_SENTENCE]
