"""``isa-engine farm``: shots as a bundle for a render farm, and the tasks that its workers run.

A task prints its progress in OpenJD's words on standard output; other schedulers write these lines to a log.
"""

import argparse

from isa_engine.commands.options.ranges import within
from isa_engine.errors import IsaError
from isa_engine.farm.job import OPERATING_SYSTEMS
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import check_folder
from isa_engine.shot.validation import MAX_FRAMES

HELP = "bundle shots for a render farm, and run its tasks"
# The part of a denoising task's time that encoding the conditions takes, roughly: for the progress alone.
_ENCODING = 0.05
# More than any machine has.
_MOST_GPUS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from isa_engine.farm.eligibility import operating_system

    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    bundle = actions.add_parser("bundle", help="make a bundle: a folder with template.json")
    bundle.add_argument("shots", action=GivenPath, nargs="+", metavar="SHOT", help="shot files, a take each")
    bundle.add_argument(
        "--out", action=GivenPath, required=True, metavar="DIR", help="folder that workers share"
    )
    add_bundle_options(bundle, operating_system())
    start = actions.add_parser("start", help="check this worker and start a session's engine")
    stop = actions.add_parser("stop", help="stop a session's engine")
    tasks = {
        "denoise": ("make a take's latents", "number of the take"),
        "decode": ("make a span's frames", "number of the span"),
        "assemble": ("join a take's spans to its results", "number of the take"),
    }
    start.add_argument("bundle", action=GivenPath)
    for name, (what, number) in tasks.items():
        task = actions.add_parser(name, help=what)
        task.add_argument("bundle", action=GivenPath)
        task.add_argument("number", type=int, help=number)
        if name != "assemble":
            task.add_argument(
                "--session", action=GivenPath, metavar="DIR", help="ask the engine started there"
            )
            task.add_argument("--device", default="auto", help="without a session: cpu, cuda or auto")
    for action in (start, stop):
        action.add_argument("--session", action=GivenPath, required=True, metavar="DIR")
    start.add_argument("--device", default="auto", help="cpu, cuda or auto")


def add_bundle_options(parser: argparse.ArgumentParser, operating_system: str) -> None:
    """The options of bundling, for this command and for Blender's."""
    parser.add_argument(
        "--span", type=within(int, 1, MAX_FRAMES), default=64, help="frames a decoding task (default: 64)"
    )
    parser.add_argument(
        "--gpus", type=within(int, 0, _MOST_GPUS), default=0, help="that a worker must have (default: 0)"
    )
    parser.add_argument(
        "--os",
        default=operating_system,
        choices=OPERATING_SYSTEMS,
        help="of all workers (default: %(default)s)",
    )
    parser.add_argument(
        "--untrained", action="store_true", help="let workers without the model's weights work, too"
    )


def run(arguments: argparse.Namespace) -> None:
    try:
        _ACTIONS[arguments.action](arguments)
    except IsaError as error:
        if arguments.action != "bundle":
            print(f"openjd_fail: {error}", flush=True)
        raise


def _bundle(arguments: argparse.Namespace) -> None:
    from isa_engine.farm.flamenco import write_submission
    from isa_engine.farm.job import write_bundle
    from isa_engine.farm.openjd import TEMPLATE, write_template
    from isa_engine.results.files import take_name
    from isa_engine.shot import read_shot

    check_folder(arguments.out)
    shots = ((take_name(path), read_shot(path)) for path in arguments.shots)
    bundle = write_bundle(shots, arguments.out, arguments.os, arguments.span, arguments.untrained)
    write_template(bundle, arguments.gpus)
    write_submission(bundle)
    print(arguments.out / TEMPLATE)


def _start(arguments: argparse.Namespace) -> None:
    from isa_engine.farm import eligibility, engine
    from isa_engine.farm.job import read_bundle

    bundle = read_bundle(arguments.bundle)
    eligibility.check(bundle.job)
    engine.start(bundle, arguments.session, arguments.device)


def _stop(arguments: argparse.Namespace) -> None:
    from isa_engine.farm import engine

    engine.stop(arguments.session)


def _compute(arguments: argparse.Namespace) -> None:
    from isa_engine.farm import eligibility, engine
    from isa_engine.farm.job import read_bundle

    if arguments.session:
        for message in engine.ask(arguments.session, task=arguments.action, number=arguments.number):
            if "phase" in message:
                _say(message["phase"], message["step"], message["steps"])
        done = message["done"]
    else:
        bundle = read_bundle(arguments.bundle)
        eligibility.check(bundle.job)
        from isa_engine.farm import tasks
        from isa_engine.pipeline import load_model

        work = {"denoise": tasks.denoise_take, "decode": tasks.decode_span}[arguments.action]
        done = work(bundle, arguments.number, load_model(bundle.job.model, arguments.device), _report)
    _finish(done)


def _assemble(arguments: argparse.Namespace) -> None:
    from isa_engine.farm import tasks
    from isa_engine.farm.job import read_bundle

    _finish(tasks.assemble_take(read_bundle(arguments.bundle), arguments.number, _report))


def _report(progress) -> None:
    _say(progress.phase, progress.step, progress.steps)


def _say(phase: str, step: int, steps: int) -> None:
    share = step / steps
    if phase == "encode":
        share *= _ENCODING
    elif phase == "denoise":
        share = _ENCODING + (1 - _ENCODING) * share
    print(f"openjd_status: {phase} {step}/{steps}", flush=True)
    print(f"openjd_progress: {100 * share:.1f}", flush=True)


def _finish(done: bool) -> None:
    print(f"openjd_status: {'done' if done else 'was done before'}", flush=True)
    print("openjd_progress: 100", flush=True)


_ACTIONS = {
    "bundle": _bundle,
    "start": _start,
    "stop": _stop,
    "denoise": _compute,
    "decode": _compute,
    "assemble": _assemble,
}
