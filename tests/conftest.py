"""The order of the tests, their threads, and the end of the process."""

import os
import sys

import pytest
from hypothesis import settings

# The networks of tests are small. A second thread makes them no faster, and while it waits for the first it
# spins on the core that other tests need, for minutes on a busy machine. torch reads it when it is imported;
# the processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow machine makes a property no less true.
settings.register_profile("isa", deadline=None)
settings.load_profile("isa")

# The fast and fundamental rooms first: what breaks there explains what breaks later.
ROOMS = (
    "shot",
    "geometry",
    "body",
    "controls",
    "vae",
    "dit",
    "pipeline",
    "data",
    "training",
    "service",
    "farm",
    "addon",
    "install",
    "window",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def room(item: pytest.Item) -> int:
        name = item.path.relative_to(config.rootpath / "tests").parts[0]
        return ROOMS.index(name) if name in ROOMS else len(ROOMS)

    items.sort(key=room)


_exit_status = 0


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    # Blender's module crashes at interpreter exit while any Python class is registered with it.
    if "bpy" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_status)
