"""The real service with the real pipeline, and a second kind of model beside the house's own.

usage: python -m tests.service.disc_engine serve|worker [OPTIONS]     as isa-engine serve
"""

import argparse
import sys
import time

from isa_engine.commands import serve
from isa_engine.models import KINDS
from isa_engine.service.work import worker
from tests.pipeline import discs

COMMAND = ("-m", "tests.service.disc_engine", "serve")


def main() -> None:
    # Alone, so that no worker loads a model that these tests do not ask for.
    KINDS.clear()
    KINDS["discs"] = discs.KIND
    role = sys.argv.pop(1)
    if role == "worker":
        painted = discs.velocity

        def slowly(*told):
            velocity = painted(*told)
            return lambda *at: (time.sleep(0.05), velocity(*at))[1]

        discs.velocity = slowly
        worker.main()
    else:
        parser = argparse.ArgumentParser()
        serve.add_arguments(parser)
        serve.run(parser.parse_args(), worker=(sys.executable, "-m", "tests.service.disc_engine", "worker"))


if __name__ == "__main__":
    main()
