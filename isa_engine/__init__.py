"""ISA engine: point tokens and cameras in, human video out.

The base install (``errors``, ``configuration``, ``shot``, ``geometry``, ``body``, ``client``) needs numpy and
requests only, so that Blender can import it; everything that needs torch lives in ``vae``, ``dit``,
``pipeline`` and ``service`` and comes with ``isa-engine[engine]``.
"""

__version__ = "0.1.0"
