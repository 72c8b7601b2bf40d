"""The real service with the real pipeline, and a second kind of model beside the house's own.

usage: python -m tests.service.disc_engine serve|worker [OPTIONS]     as isa-engine serve
"""

import time

from isa_engine.models import KINDS
from isa_engine.service.work import worker
from tests.pipeline import discs
from tests.service.roles import play

COMMAND = ("-m", "tests.service.disc_engine", "serve")


def main() -> None:
    # Alone, so that no worker loads a model that these tests do not ask for.
    KINDS.clear()
    KINDS["discs"] = discs.KIND
    play(work, "-m", "tests.service.disc_engine")


def work() -> None:
    painted = discs.velocity

    def slowly(*told):
        velocity = painted(*told)
        return lambda *at: (time.sleep(0.05), velocity(*at))[1]

    discs.velocity = slowly
    worker.main()


if __name__ == "__main__":
    main()
