"""``isa-engine evaluate vae|video|ablation|control|limits|speed|length``: measure a model on clips that no
training saw, and leave tables, plots and contact sheets; ``detection``: how well poses are found."""

import argparse
import importlib.util
from typing import Any

from isa_engine.commands.options.ranges import within
from isa_engine.configuration.parts import canvas_of
from isa_engine.configuration.policies import POLICIES
from isa_engine.errors import EngineError, ModelError
from isa_engine.given_path import GivenPath
from isa_engine.models import KINDS, describe
from isa_engine.models.kind import MAX_DETAIL
from isa_engine.models.refusal import check_wishes
from isa_engine.out_folder import make_folder
from isa_engine.shot import Settings, canvas_size
from isa_engine.shot.validation import MAX_FRAMES, MAX_GUIDANCE, MAX_SEED, MAX_STEPS

HELP = "measure a model on held-out clips"
# Beyond these a measurement would take years.
_MOST_CLIPS, _MOST_RUNS, _MOST_STEPS = 100_000, 100, 10_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "part",
        choices=("vae", "video", "ablation", "control", "limits", "speed", "length", "detection"),
        help="Table 1 and Fig. 5; Table 2; Table 4 and Fig. 14; how well the video obeys; up to which sizes, "
        "cameras and casts; what each policy of denoising costs and loses; how long a take may be; poses in "
        "pictures",
    )
    parser.add_argument(
        "--out", action=GivenPath, required=True, help="folder; an ablation in it is continued"
    )
    parser.add_argument("--model", default="isa-tiny")
    parser.add_argument(
        "--weights", action=GivenPath, help="folder of the model's weights (default: the bundled)"
    )
    parser.add_argument(
        "--clips", type=within(int, 1, _MOST_CLIPS), default=12, help="of each kind (default: 12)"
    )
    parser.add_argument(
        "--frames", type=within(int, 1, MAX_FRAMES), default=17, help="of each clip, 1 + 4k (default: 17)"
    )
    canvas = parser.add_mutually_exclusive_group()
    canvas.add_argument(
        "--size", default="128x128", metavar="WxH", help="of each clip (default: %(default)s)"
    )
    canvas.add_argument(
        "--detail",
        type=int,
        choices=range(1, MAX_DETAIL + 1),
        help="clips as large as the canvas that an artist gets with this detail, painted in tiles; 2 is what "
        "the presets Final and Exact have",
    )
    parser.add_argument(
        "--steps",
        type=within(int, 1, MAX_STEPS),
        default=Settings.steps,
        help="of denoising (default: %(default)s)",
    )
    parser.add_argument("--guidance", type=within(float, 0, MAX_GUIDANCE), default=Settings.guidance)
    parser.add_argument(
        "--policy",
        choices=list(POLICIES),
        default=Settings.policy,
        help="which steps are computed (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=within(int, 0, MAX_SEED), default=0, help="of the first clip (default: 0)"
    )
    parser.add_argument(
        "--rich",
        action="store_true",
        help="clips as training sees them, with faces, layered clothes, all kinds of light, lens and camera; "
        "the plain ones of published tables otherwise",
    )
    parser.add_argument(
        "--lpips", action=GivenPath, help="weights of VGG-16 and its LPIPS layers, safetensors"
    )
    parser.add_argument("--i3d", action=GivenPath, help="weights of I3D, for FVD, safetensors")
    parser.add_argument("--device", default="auto")
    long = parser.add_argument_group("length")
    long.add_argument(
        "--lengths", type=int, nargs="+", default=[9, 33, 121], help="frames (default: 9 33 121)"
    )
    long.add_argument(
        "--windows",
        nargs="+",
        metavar="WINDOW/STRIDE/ANCHOR",
        help="of attention across time, or 'whole' (default: whole, and the model's own)",
    )
    ablation = parser.add_argument_group("ablation")
    ablation.add_argument("--config", action=GivenPath, help="TOML of the training, as of 'train dit'")
    ablation.add_argument(
        "--training-steps", type=within(int, 1, _MOST_STEPS), help="instead of the configuration's"
    )
    ablation.add_argument(
        "--seeds", type=within(int, 1, _MOST_RUNS), default=3, help="runs of each conditioning (default: 3)"
    )


def run(arguments: argparse.Namespace) -> None:
    if arguments.part != "detection":
        _check(arguments)
    # Before models are loaded: what is measured takes from minutes to hours.
    make_folder(arguments.out)
    if arguments.part == "detection":
        _detection(arguments)
        return
    from isa_engine.configuration import autoencoder_folder, model_config, weights_folder
    from isa_engine.evaluation.candidates.videos import Sampling, untrained
    from isa_engine.evaluation.measures.fidelity import Networks
    from isa_engine.evaluation.reporting.progress import PrintedProgress
    from isa_engine.pipeline.isa.model import build_model

    if arguments.part == "control" and not KINDS[describe(arguments.model).kind].trained_here:
        _plates(arguments)
        return
    config = model_config(arguments.model)
    read = {"vae": ("vae",), "ablation": ("vae", "matte_head")}.get(arguments.part)
    bundled = weights_folder if read is None else autoencoder_folder
    folder = arguments.weights or bundled(arguments.model)
    model = build_model(config, folder, arguments.device, read)
    networks = Networks.load(arguments.lpips, arguments.i3d, model.device)
    held_out = _held_out(arguments, model.device)
    sampling = Sampling(arguments.steps, arguments.guidance, POLICIES[arguments.policy])
    out, clips, report = arguments.out, arguments.clips, PrintedProgress()
    print(f"clips of {_seen(arguments)}", flush=True)

    if arguments.part == "vae":
        from isa_engine.evaluation.tables.autoencoder import autoencoder

        tables = autoencoder(model, held_out, clips, networks, out, report)
    elif arguments.part == "video":
        from isa_engine.evaluation.tables.video import video

        bare = untrained(config, folder, arguments.device)
        tables = [video(model, bare, held_out, clips, sampling, networks, out, report)]
    elif arguments.part == "control":
        from isa_engine.evaluation.tables.control import control

        bare = untrained(config, folder, arguments.device)
        tables = [control(model, bare, held_out, clips, sampling, out, report, arguments.detail or 1)]
    elif arguments.part == "limits":
        from isa_engine.evaluation.tables.limits import limits

        tables = [limits(model, held_out, clips, sampling, out, report)]
    elif arguments.part == "length":
        from isa_engine.evaluation.tables.length import Windowing, length

        own = Windowing(config.dit.temporal_window, config.dit.temporal_stride, config.dit.temporal_anchor)
        asked = [Windowing.parse(text) for text in arguments.windows or ()] or [Windowing(), own]
        windowings = list(dict.fromkeys(asked))
        tables = [length(model, held_out, clips, arguments.lengths, windowings, sampling, report)]
    elif arguments.part == "speed":
        from isa_engine.evaluation.tables.speed import speed

        tables = [speed(model, held_out, clips, sampling.guidance, report)]
    else:
        from isa_engine.evaluation.ablation.comparison import ablation
        from isa_engine.evaluation.ablation.runs import Ablation

        settings = _training(arguments)
        common = Ablation(settings, tuple(range(arguments.seeds)), model)
        tables = [ablation(common, held_out, clips, sampling, networks, out, report)]
    _leave(arguments, tables, _settings(arguments, model))
    print(f"tables and pictures are in {out}")


def _detection(arguments: argparse.Namespace) -> None:
    from isa_engine.evaluation.detection.performances import detection_in_motion
    from isa_engine.evaluation.detection.poses import detection
    from isa_engine.evaluation.reporting.progress import PrintedProgress

    place = arguments.seed, PrintedProgress(), arguments.out
    tables = [detection(*place), detection_in_motion(*place)]
    _leave(arguments, tables, {"first seed": arguments.seed})


def _plates(arguments: argparse.Namespace) -> None:
    """A model of any kind, by its plates alone."""
    from isa_engine.evaluation.reporting.progress import PrintedProgress
    from isa_engine.evaluation.tables.control_of_plates import control_of_plates
    from isa_engine.pipeline.painter import load_model

    model = load_model(arguments.model, arguments.device)
    how = arguments.steps, arguments.guidance, arguments.seed, arguments.policy
    settings = Settings(arguments.model, *_canvas(arguments), *how)
    held_out, report = _held_out(arguments, model.device), PrintedProgress()
    tables = [control_of_plates(model, held_out, arguments.clips, settings, arguments.out, report)]
    _leave(arguments, tables, _settings(arguments, model))


def _held_out(arguments: argparse.Namespace, device: Any) -> Any:
    """The clips to measure on, ``evaluation.held_out.clips.HeldOut``."""
    from isa_engine.evaluation.held_out.clips import HeldOut

    width, height = _canvas(arguments)
    return HeldOut(arguments.frames, height, width, arguments.seed, device, _split(arguments))


def _split(arguments: argparse.Namespace) -> Any:
    from isa_engine.data.scenario.split import HELD_OUT, HELD_OUT_RICH

    return HELD_OUT_RICH if arguments.rich else HELD_OUT


def _leave(arguments: argparse.Namespace, tables: list, settings: dict[str, Any]) -> None:
    """Write and print the tables."""
    from isa_engine.evaluation.reporting import table

    table.write(arguments.out, arguments.part, tables, settings)
    print("\n".join(each.markdown() for each in tables))


def _canvas(arguments: argparse.Namespace) -> tuple[int, int]:
    """Width and height of the clips, pixels.

    Raises:
        ModelError: the size is not written as one or does not suit the model, or it does not paint in tiles.
    """
    model = describe(arguments.model)
    if arguments.detail is None:
        return canvas_of(model.name, model.multiple, arguments.size)
    check_wishes(model, {"detail": arguments.detail})
    return canvas_size(1, 1, model.short_side, model.multiple, arguments.detail)


def _seen(arguments: argparse.Namespace) -> str:
    """The size of the clips, and in how many tiles a model sees them."""
    width, height = _canvas(arguments)
    tiles = len(describe(arguments.model).tiles(width, height))
    return f"{width}x{height}" + (f" in {tiles} tiles" if tiles else "")


def _check(arguments: argparse.Namespace) -> None:
    from isa_engine.geometry.frames import extended_count

    for package in ("torchmetrics", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise EngineError(f"evaluation needs '{package}'", remedy="Install isa-engine[evaluation].")
    if arguments.frames != extended_count(arguments.frames):
        remedy = f"Use {extended_count(arguments.frames)}."
        raise ModelError(f"{arguments.frames} frames do not fill whole windows", remedy=remedy)
    if arguments.part == "ablation" and not arguments.config:
        raise ModelError(
            "an ablation needs the configuration of its training", remedy="Name it with --config."
        )


def _training(arguments: argparse.Namespace) -> Any:
    from isa_engine.training.configuration import DiTTraining, read_configuration

    steps = {"steps": arguments.training_steps} if arguments.training_steps else {}
    return read_configuration(arguments.config, DiTTraining, model=arguments.model, **steps)


def _settings(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    import torch

    settings = {
        "model": arguments.model,
        "weights": model.weights,
        "clips of each kind": arguments.clips,
        "first seed": arguments.seed,
        "drawn from": _split(arguments).name,
        "frames": arguments.frames,
        "size": _seen(arguments),
        "device": model.device.type,
        "torch": torch.__version__,
    }
    if arguments.part == "speed":
        settings |= {"guidance": arguments.guidance, "threads": torch.get_num_threads()}
    elif arguments.part != "vae":
        settings |= {"denoising steps": arguments.steps, "guidance": arguments.guidance}
        settings |= {"policy": arguments.policy}
    if arguments.part == "ablation":
        training = _training(arguments)
        settings |= {"training steps": training.steps, "batch": training.batch, "seeds": arguments.seeds}
    return settings
