"""One evaluation of a long take by several devices, each with some of the windows of time."""

from isa_engine.pipeline.spread.threads import Spread

__all__ = ["Spread"]
