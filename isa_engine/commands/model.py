"""``isa-engine model list|show|add|fetch|inflate``: the models here, what one costs, and how to get more."""

import argparse
import json
import re
from typing import Any

from isa_engine.configuration.parts import canvas_of
from isa_engine.errors import ModelError
from isa_engine.given_path import GivenPath, given_path
from isa_engine.models import KINDS, describe, names
from isa_engine.models.added import Added, Running, added, remember
from isa_engine.models.model_cost import model_cost
from isa_engine.out_folder import check_folder
from isa_engine.shot.validation import MAX_CHARACTERS, MAX_FRAMES, MAX_STEPS
from isa_engine.user_data import data_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HELP = "list the models, show what one costs, add one that you have, or make the paper's starting point"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="the named models").set_defaults(act=_list)
    show = actions.add_parser("show", help="parameters by part, tokens, operations of a denoising step")
    show.add_argument("name", help="as model list prints it")
    show.add_argument("--frames", type=int, help="of the take (default: the longest it was tried with)")
    show.add_argument("--size", help="canvas as WIDTHxHEIGHT (default: square, as it is made for)")
    show.add_argument("--characters", type=int, default=1, help="of the cast (default: 1)")
    show.add_argument("--json", action="store_true", help="print it for programs")
    show.set_defaults(act=_show)
    add = actions.add_parser("add", help="use a folder of open weights that you have")
    add.add_argument("folder", action=GivenPath, help="in diffusers' format; it stays where it is")
    add.add_argument("--name", help="by which it is asked for (default: the folder's)")
    add.add_argument("--accept-licence", action="store_true", help="once you have read it")
    add.add_argument(
        "--fp8",
        action="store_true",
        help="keep the transformer in 8 bits: half the memory, slightly other pictures",
    )
    add.add_argument(
        "--lora",
        action="append",
        default=[],
        metavar="FILE[=STRENGTH]",
        help="a low-rank change of the transformer, such as a distillation to few steps; may be given again",
    )
    add.add_argument("--attention", default="", metavar="NAME", help="a backend of diffusers, such as flash")
    add.add_argument(
        "--cache",
        type=float,
        default=0.0,
        metavar="THRESHOLD",
        help="skip blocks where the first one's answer has changed by no more than this share, such as 0.1",
    )
    add.add_argument(
        "--draft-of", default="", metavar="NAME", help="the preset Draft of that model is made by this one"
    )
    add.add_argument("--few-steps", type=int, default=0, metavar="N", help="that the draft's LoRA needs")
    add.set_defaults(act=_add)
    fetch = actions.add_parser("fetch", help="download open weights, and use them")
    fetch.add_argument("name", choices=[name for kind in KINDS.values() for name in kind.sources])
    fetch.add_argument("--accept-licence", action="store_true", help="once you have read it")
    fetch.add_argument("--to", action=GivenPath, metavar="DIR", help="(default: in the user's data)")
    fetch.add_argument("--revision", default="", metavar="COMMIT", help="(default: the newest)")
    fetch.set_defaults(act=_fetch)
    inflate = actions.add_parser("inflate", help="weights to train from, out of SD3's that you have")
    folder = "folder of diffusers' files: config.json and *.safetensors"
    inflate.add_argument("--vae", action=GivenPath, required=True, help=f"SD3's autoencoder, {folder}")
    inflate.add_argument(
        "--transformer", action=GivenPath, required=True, help=f"SD3's transformer, {folder}"
    )
    inflate.add_argument("--out", action=GivenPath, required=True, help="folder for the weights")
    inflate.add_argument("--model", default="isa-4b-sd3", help="which named model it becomes (isa-4b-sd3)")
    inflate.set_defaults(act=_inflate)


def run(arguments: argparse.Namespace) -> None:
    arguments.act(arguments)


def _list(arguments: argparse.Namespace) -> None:
    for model in map(describe, names()):
        known = f"short side {model.short_side}, tried with {model.max_frames} frames"
        text = f"{model.name:10} {known}, {model.state}"
        print(text + (f", {model.licence}" if model.licence else ""))


def _show(arguments: argparse.Namespace) -> None:
    from isa_engine.pipeline.painter import parameters

    model = describe(arguments.name)
    frames = model.max_frames if arguments.frames is None else arguments.frames
    if not (1 <= frames <= MAX_FRAMES and 0 <= arguments.characters <= MAX_CHARACTERS):
        remedy = f"Ask for 1 to {MAX_FRAMES} frames of up to {MAX_CHARACTERS} characters."
        raise ModelError(f"{frames} frames of {arguments.characters} characters", remedy=remedy)
    square = f"{model.short_side}x{model.short_side}"
    size = canvas_of(model.name, model.multiple, arguments.size or square)
    cost = model_cost(model, parameters(model.name), frames, *size, arguments.characters)
    print(json.dumps(cost, indent=2) if arguments.json else _table(cost))


def _table(cost: dict[str, Any]) -> str:
    width, height = cost["canvas"]
    state = "" if cost["trained"] else ", untrained"
    # In a shot tiles are told of what comes near them; here nobody knows where anybody is.
    tiles = f", {cost['tiles']} tiles that all show everybody" if cost["tiles"] > 1 else ""
    lines = [
        f"{cost['model']}{state}, {cost['frames']} frames of {width} × {height}, "
        f"{cost['characters']} in the cast{tiles}"
    ]
    for title, values in (
        ("tokens", cost["tokens"]),
        *((f"parameters of {part}", counts) for part, counts in cost["parameters"].items()),
        ("bytes of all weights", cost["bytes"]),
        ("bytes on a device", cost["memory"]),
        ("operations of a denoising step", cost["step_operations"]),
        ("of these between tokens, in attention", cost["step_attention"]),
        (f"operations of a generation of {cost['steps']} steps", cost["generation_operations"]),
    ):
        lines.append(f"\n{title}")
        lines += [f"  {name:27} {value:>24,.0f}" for name, value in values.items()]
    return "\n".join(lines)


def _add(arguments: argparse.Namespace) -> None:
    from isa_engine.pipeline.open_weights.adding import adding, kind_of
    from isa_engine.pipeline.open_weights.licence import licence_of

    name = arguments.name or arguments.folder.resolve().name
    if not _NAME.fullmatch(name) or _is_built_in(name):
        remedy = "Give another --name of letters, digits, dots, dashes and underscores."
        raise ModelError(f"a model cannot be called '{name}'", remedy=remedy)
    kind, licence = kind_of(arguments.folder), licence_of(arguments.folder)
    _say(f"licence: {licence}")
    if not arguments.accept_licence:
        remedy = "Read it, then run this again with --accept-licence."
        raise ModelError("the licence was not accepted", where=str(arguments.folder), remedy=remedy)
    _check_draft(name, arguments)
    loras = dict(map(_lora, arguments.lora))
    if not 0 <= arguments.cache < 1:
        problem = f"{arguments.cache} is no threshold of a cache"
        raise ModelError(problem, where="--cache", remedy="Use a share from 0 to 1, such as 0.1.")
    how = arguments.attention, arguments.cache, arguments.draft_of, arguments.few_steps
    running = Running(arguments.fp8, loras, *how)
    _remember(name, adding(kind).examine(arguments.folder, licence, running, _say))


def _is_built_in(name: str) -> bool:
    """Whether a kind has a model of that name that nobody added."""
    return added(name) is None and any(kind.describe(name) is not None for kind in KINDS.values())


def _check_draft(name: str, arguments: argparse.Namespace) -> None:
    """
    Raises:
        ModelError: the model cannot be the draft of that other.
    """
    of, where = arguments.draft_of, f"--draft-of {arguments.draft_of}"
    if not of and arguments.few_steps:
        remedy = "Add --draft-of with the name of the whole model."
        raise ModelError("only a draft has few steps", where="--few-steps", remedy=remedy)
    if not of:
        return
    whole = added(of)
    if whole is None or of == name or whole.running.draft_of:
        remedy = "Name another model, which was added and is no draft itself."
        raise ModelError(f"'{name}' cannot be a draft of '{of}'", where=where, remedy=remedy)
    if not 0 <= arguments.few_steps <= MAX_STEPS:
        raise ModelError(
            f"a draft of {arguments.few_steps} steps is none",
            where="--few-steps",
            remedy=f"Use 1 to {MAX_STEPS}.",
        )
    has = describe(of).presets["Draft"].model
    if has not in ("", name):
        raise ModelError(f"'{of}' has a draft, '{has}'", where=where, remedy=f"Add it as --name {has}.")


def _fetch(arguments: argparse.Namespace) -> None:
    from isa_engine.pipeline.open_weights.adding import adding
    from isa_engine.pipeline.open_weights.fetching import fetch
    from isa_engine.pipeline.open_weights.licence import licence_of

    name = arguments.name
    folder = (arguments.to or data_folder() / "weights" / name).absolute()
    check_folder(folder)
    kind = next(kind for kind, each in KINDS.items() if name in each.sources)
    fetch(KINDS[kind].sources[name], folder, arguments.revision, arguments.accept_licence, _say)
    _remember(name, adding(kind).examine(folder, licence_of(folder), Running(), _say))


def _say(text: str) -> None:
    print(text, flush=True)


def _remember(name: str, model: Added) -> None:
    try:
        _say(f"{name}: remembered in {remember(name, model)}")
    except OSError as error:
        raise ModelError(f"the model cannot be remembered: {error.strerror}", where=name) from error


def _lora(given: str) -> tuple[str, float]:
    """A file and its strength."""
    path, _, strength = given.partition("=")
    try:
        return str(given_path(path, "--lora")), float(strength or 1)
    except ValueError as error:
        raise ModelError(f"a strength is a number, not '{strength}'", where=f"--lora {given}") from error


def _inflate(arguments: argparse.Namespace) -> None:
    from isa_engine.training.assembly.from_sd3 import write_starting_point

    check_folder(arguments.out)
    write_starting_point(arguments.model, arguments.vae, arguments.transformer, arguments.out)
    print(f'{arguments.out}: train with model = "{arguments.model}", start = "{arguments.out}"')
