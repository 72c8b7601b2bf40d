"""The whole way of a background: rendered where it is a scene's, and a movie in any case."""

from dataclasses import replace

from .frames import render
from .movie import encode
from .recipe import Recipe


def make(recipe: Recipe) -> None:
    if recipe.blend:
        pictures = render(recipe)
        recipe = replace(recipe, files=pictures, numbers=range(len(pictures)))
    encode(recipe)
