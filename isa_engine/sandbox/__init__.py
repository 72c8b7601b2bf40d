"""Pictures and footage that came from outside, decoded where a broken or hostile file can do no harm.

``media`` decodes; ``process`` runs it, in a process of its own for each file with little memory and time, no
files and no secrets; ``limited`` asks that process. What comes back are plain pixels of a checked shape.
"""

from isa_engine.sandbox.limited import check_footage, decode, footage

__all__ = ["check_footage", "decode", "footage"]
