"""ISA engine: point tokens and cameras in, human video out.

The base install needs numpy and requests only, and Blender imports what ``docs/architecture.md`` lists of it;
what needs torch comes with ``isa-engine[engine]``.
"""

__version__ = "0.1.0"
