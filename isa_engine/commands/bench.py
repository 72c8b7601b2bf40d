"""``isa-engine bench model``: how much of this machine's speed the ISA block reaches; ``bench clips``: how
many synthetic clips a core renders in a second of its time."""

import argparse

from isa_engine.errors import DataError, ModelError

HELP = "measure how well the transformer uses this machine, or how fast clips are made"


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
    clips.add_argument("--clips", type=int, default=24, help="clips of nine frames (default: 24)")


def run(arguments: argparse.Namespace) -> None:
    (_clips if arguments.part == "clips" else _model)(arguments)


def _clips(arguments: argparse.Namespace) -> None:
    from isa_engine.data.clips.clip_speed import clip_speeds
    from isa_engine.data.scenario.split import SPLITS

    splits = {split.name: split for split in SPLITS}
    if arguments.split not in splits or arguments.clips < 1:
        remedy = f"Give at least one clip, and one of {', '.join(splits)}."
        raise DataError(f"{arguments.clips} clips of the split '{arguments.split}'", remedy=remedy)
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

    dtype = torch.bfloat16 if torch.device(arguments.device).type == "cuda" else torch.float32
    sizes = Sizes(*numbers)
    speeds = measure(sizes, arguments.device, dtype, arguments.repetitions)
    print(
        f"width {arguments.width}, {arguments.latents} latent frames of {arguments.tokens} tokens, "
        f"{arguments.points} points a frame, {torch.get_num_threads()} threads, "
        f"median of {arguments.repetitions}\n"
    )
    print(f"{'':18} {'GFLOP':>8} {'ms':>9} {'GFLOP/s':>9} {'of matmul':>10}")
    for name, speed in speeds.items():
        share = speed.rate / speeds[MATMUL].rate
        row = f"{speed.operations / 1e9:8.1f} {1e3 * speed.seconds:9.1f} {speed.rate / 1e9:9.1f}"
        print(f"{name:18} {row} {share:10.2f}")
    if arguments.profile:
        once = block_passes(sizes, arguments.device, dtype)[OURS]
        print(f"\n{OURS}\n{operator_table(once)}")
