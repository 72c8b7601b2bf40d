"""The model that makes the results."""

from tests.pipeline.conftest import model, silent  # noqa: F401  fixtures
