"""``isa-engine fetch JOB --out DIR``: the results of a job that is done, checked against their checksums."""

import argparse
import os
import tempfile
from contextlib import closing
from pathlib import Path

from isa_engine.commands.options.connection import add_engine, connect
from isa_engine.errors import EngineError

HELP = "save the results of a job"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        # Of a job that is not there no folder is left.
        names = client.result_names(arguments.job)
        try:
            arguments.out.mkdir(parents=True, exist_ok=True)
            # Beside an older take until all is there: of two takes' files none is any.
            with tempfile.TemporaryDirectory(prefix=".arriving-", dir=arguments.out) as arriving:
                for name in names:
                    client.fetch(arguments.job, name, Path(arriving, name))
                for name in names:
                    os.replace(Path(arriving, name), arguments.out / name)
                    print(arguments.out / name)
        except OSError as error:
            raise EngineError(f"cannot write: {error.strerror}", where=str(arguments.out)) from error
