"""The shot: what the add-on hands to the engine, and the file that carries it."""

from isa_engine.shot.canvas import anisotropy, canvas_size
from isa_engine.shot.file import encode_shot, read_shot, write_shot
from isa_engine.shot.shot import Character, Kept, ReferencePose, Settings, Shot
from isa_engine.shot.validation import validate

__all__ = [
    "Character",
    "Kept",
    "ReferencePose",
    "Settings",
    "Shot",
    "anisotropy",
    "canvas_size",
    "encode_shot",
    "read_shot",
    "validate",
    "write_shot",
]
