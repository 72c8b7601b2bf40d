import pytest

from isa_engine import configuration
from tests.training.sprint.toy import MODEL


@pytest.fixture(scope="module", autouse=True)
def toy_model():
    """The toy model by its name; gone again before other tests look at the list."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(configuration.MODELS, "micro", lambda: MODEL)
        yield
