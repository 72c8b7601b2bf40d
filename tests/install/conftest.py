"""The extension of this checkout, built once."""

from pathlib import Path

import pytest
from build_extension import build

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def extension(tmp_path_factory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"))
