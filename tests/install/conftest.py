"""The extension of this checkout, built once."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "install"))


@pytest.fixture(scope="session")
def extension(tmp_path_factory) -> Path:
    from build_extension import build

    return build(ROOT, tmp_path_factory.mktemp("dist"))
