"""Video → the scene: on a plane before its camera, behind its view, in its Sequencer, over its render."""

from .importing import KINDS, import_plate, open_movies
from .shown_movies import files, fit_view, fits_view, size
from .troubles import troubles

__all__ = [
    "KINDS",
    "files",
    "fit_view",
    "fits_view",
    "import_plate",
    "open_movies",
    "size",
    "troubles",
]
