"""``isa-engine fetch JOB --out DIR``: the results of a job that is done, checked against their checksums."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import check_folder
from isa_engine.results.files import NAMES, results_in

HELP = "save the results of a job"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    parser.add_argument("--out", action=GivenPath, required=True, help="folder for the results")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    check_folder(arguments.out)
    with closing(connect(arguments)) as client:
        # Of a job that is not there no folder is left.
        names = client.result_names(arguments.job)
        with results_in(arguments.out) as parts:
            for name, part in zip(NAMES, vars(parts).values(), strict=True):
                if name in names:
                    client.fetch(arguments.job, name, part)
    for name in names:
        print(arguments.out / name)
