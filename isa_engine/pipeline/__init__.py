"""A shot in, a plate out: conditioning, flow sampling, decoding, and the files that come back."""

from isa_engine.pipeline.generation import Result, generate
from isa_engine.pipeline.isa.model import Model, save_model
from isa_engine.pipeline.painter import load_model
from isa_engine.pipeline.progress import Progress
from isa_engine.results.record import notes

__all__ = ["Model", "Progress", "Result", "generate", "load_model", "notes", "save_model"]
