"""What people and shots call things, before it is stored, shown in a list or written into a log.

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
_FORBIDDEN = re.compile(LINE[1:-2].replace("[^", "["))


def sentence(text: str) -> str:
    """A sentence as it may be shown: on one line, bounded, and nothing in it but text."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)[:MAX_SENTENCE]
