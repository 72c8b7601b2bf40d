"""``isa-engine bench model``: how much of this machine's speed the ISA block reaches; ``bench clips``: how
many synthetic clips a core renders in a second of its time; ``bench devices``: how fast several devices would
make a step together, computed and not measured."""

import argparse
from dataclasses import replace
from math import isfinite

from isa_engine.commands.options.ranges import within
from isa_engine.configuration import model_config
from isa_engine.cost.generation import Work
from isa_engine.cost.sharing import SharedStep, shared_step
from isa_engine.errors import DataError, ModelError

HELP = "how well the transformer uses this machine, how fast clips are made, what more devices would bring"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    model = parts.add_parser("model", help="the ISA block beside other layers")
    model.add_argument("--width", type=int, default=1024, help="features of a token (default: 1024)")
    model.add_argument("--heads", type=int, default=16, help="attention heads (default: 16)")
    model.add_argument("--latents", type=int, default=3, help="latent frames (default: 3)")
    model.add_argument("--tokens", type=int, default=256, help="tokens of a latent frame (default: 256)")
    model.add_argument("--points", type=int, default=64, help="point tokens a frame (default: 64)")
    model.add_argument("--repetitions", type=int, default=9, help="runs to take the median of (default: 9)")
    model.add_argument("--device", default="cpu", help="cuda computes in bfloat16 (default: cpu)")
    model.add_argument("--profile", action="store_true", help="also list where the ISA block's time goes")
    clips = parts.add_parser("clips", help="how fast one core renders synthetic clips")
    clips.add_argument("--split", default="training", help="which clips (default: training)")
    clips.add_argument(
        "--clips", type=within(int, 1, 100_000), default=24, help="clips of nine frames (default: 24)"
    )
    devices = parts.add_parser("devices", help="a step shared by several devices, computed by the cost model")
    devices.add_argument("model", help="a model of this engine's own kind")
    devices.add_argument("--frames", type=int, default=497, help="of the take (default: 497)")
    devices.add_argument("--side", type=int, help="pixels of the square canvas (default: the model's)")
    devices.add_argument("--window", type=int, help="latents of a temporal window (default: the model's)")
    devices.add_argument("--characters", type=int, default=1)
    devices.add_argument("--tflops", type=float, default=400, help="10¹² operations a second (default: 400)")
    devices.add_argument("--gigabytes", type=float, default=10, help="a second between two (default: 10)")
    devices.add_argument("--milliseconds", type=float, default=1, help="of each message (default: 1)")


def run(arguments: argparse.Namespace) -> None:
    {"clips": _clips, "model": _model, "devices": _devices}[arguments.part](arguments)


def _clips(arguments: argparse.Namespace) -> None:
    from isa_engine.data.clips.clip_speed import clip_speeds
    from isa_engine.data.scenario.split import SPLITS

    splits = {split.name: split for split in SPLITS}
    if arguments.split not in splits:
        raise DataError(f"there is no split '{arguments.split}'", remedy=f"Use {' or '.join(splits)}.")
    print(f"{'frames × height × width':24} {'clips a CPU-second':>18}")
    for (frames, height, width), speed in clip_speeds(splits[arguments.split], arguments.clips):
        print(f"{f'{frames} × {height} × {width}':24} {speed:18.2f}", flush=True)


def _model(arguments: argparse.Namespace) -> None:
    numbers = (arguments.width, arguments.heads, arguments.latents, arguments.tokens, arguments.points)
    if min(*numbers, arguments.repetitions) < 1 or arguments.width % arguments.heads:
        remedy = "Give numbers of at least 1, and a width that divides into the heads."
        raise ModelError(f"a block of width {arguments.width}, {arguments.heads} heads", remedy=remedy)

    import torch

    from isa_engine.dit.benchmark import MATMUL, OURS, Sizes, block_passes, measure, operator_table
    from isa_engine.pipeline.device import device_of

    device = device_of(arguments.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    sizes = Sizes(*numbers)
    clock = "processor time of all threads" if device.type == "cpu" else "seconds"
    speeds = measure(sizes, device, dtype, arguments.repetitions)
    print(
        f"width {arguments.width}, {arguments.latents} latent frames of {arguments.tokens} tokens, "
        f"{arguments.points} points a frame, {torch.get_num_threads()} threads, "
        f"median of {arguments.repetitions}, {clock}\n"
    )
    print(f"{'':18} {'GFLOP':>8} {'ms':>9} {'GFLOP/s':>9} {'of matmul':>10}")
    for name, speed in speeds.items():
        share = speed.rate / speeds[MATMUL].rate
        row = f"{speed.operations / 1e9:8.1f} {1e3 * speed.seconds:9.1f} {speed.rate / 1e9:9.1f}"
        print(f"{name:18} {row} {share:10.2f}")
    if arguments.profile:
        once = block_passes(sizes, device, dtype)[OURS]
        print(f"\n{OURS}\n{operator_table(once)}")


def _devices(arguments: argparse.Namespace) -> None:
    rates = (arguments.tflops, arguments.gigabytes)
    counts = (
        arguments.frames,
        arguments.characters,
        *(one for one in (arguments.side, arguments.window) if one),
    )
    given = (*rates, arguments.milliseconds)
    if min(rates) <= 0 or arguments.milliseconds < 0 or min(counts) < 1 or not all(map(isfinite, given)):
        raise ModelError("a take or a device of nothing", remedy="Give finite numbers above 0.")
    config = model_config(arguments.model)
    if arguments.window:
        stride, anchor = max(1, arguments.window // 2), min(2, arguments.window)
        windows = {"temporal_window": arguments.window, "temporal_stride": stride, "temporal_anchor": anchor}
        config = replace(config, dit=replace(config.dit, **windows))
    side = arguments.side or config.short_side
    work = Work(arguments.frames, side, side, arguments.characters, 1, guidance=2)
    print(
        f"{config.name}, {work.frames} frames of {side} × {side}, windows of {config.dit.temporal_window}: "
        f"a step with guidance, by the cost model and not measured, at {arguments.tflops:g} TFLOP/s, "
        f"{arguments.gigabytes:g} GB/s and {arguments.milliseconds:g} ms a message\n"
    )
    print(f"{'devices':>7} {'shares':>7} {'TFLOP':>8} {'MB taken in':>12} {'s':>8} {'times as fast':>14}")
    alone = None
    for count in (1, 2, 4, 8, 16):
        dealt = shared_step(config, work, count)
        # Whoever has most to do is waited for; nothing is computed while tokens are on their way.
        slowest = max(dealt, key=lambda one: _seconds(one, arguments))
        seconds = _seconds(slowest, arguments)
        alone = alone or seconds
        row = f"{slowest.operations / 1e12:8.2f} {slowest.received / 1e6:12.1f} {seconds:8.3f}"
        print(f"{count:7} {len(dealt):7} {row} {alone / seconds:14.2f}")


def _seconds(part: SharedStep, arguments: argparse.Namespace) -> float:
    sent = part.received / (arguments.gigabytes * 1e9) + part.waits * arguments.milliseconds / 1e3
    return part.operations / (arguments.tflops * 1e12) + sent
