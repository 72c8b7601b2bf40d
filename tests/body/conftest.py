from pathlib import Path

import numpy as np
import pytest

from tests.body.smplx_files import smplx_fields


@pytest.fixture(scope="session")
def fields() -> dict[str, np.ndarray]:
    """A newer file's layout: 10 columns of shape, 10 of expression."""
    return smplx_fields(20)


@pytest.fixture(scope="session")
def body_file(fields, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bodies") / "SMPLX_NEUTRAL.npz"
    np.savez(path, **fields)
    return path
