"""``isa-engine list``: the newest jobs of an engine, newest first."""

import argparse
import time
from contextlib import closing

from isa_engine.client.protocol import TRANSITIONS, Ending, JobStatus
from isa_engine.commands.options.connection import add_engine, connect

HELP = "list the jobs of an engine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=TRANSITIONS, help="only those")
    parser.add_argument("--ended", action="store_true", help="how jobs ended, deleted ones too")
    parser.add_argument("--limit", type=int, default=50, help="of that many (default: %(default)s)")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        if arguments.ended:
            for ending in client.endings(arguments.limit):
                words = [ending.job, _time(ending.finished or ending.created), f"{ending.state:9}"]
                print(" ".join([*words, *_named(ending), ending.reason, ending.error]).rstrip())
            return
        for job in client.jobs(arguments.state, arguments.limit):
            progress = f"{job.phase} {job.step}/{job.steps}" if job.phase and not job.over else ""
            words = [job.id, _time(job.created), f"{job.state:9}", *_named(job), job.error or progress]
            print(" ".join(words).rstrip())


def _named(job: JobStatus | Ending) -> list[str]:
    """A job's name and, in brackets, who sent it; neither where it is not known."""
    return [word for word in (job.name, job.owner and f"({job.owner})") if word]


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
