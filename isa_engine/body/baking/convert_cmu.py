"""Make the bundled clips: ``python -m isa_engine.body.baking.convert_cmu FOLDER``.

FOLDER holds the files of the CMU motion capture database that ``CLIPS`` names, and their .asf skeletons.
"""

import argparse
from dataclasses import replace

from isa_engine.body.motions.motion import Motion
from isa_engine.body.motions.motion_file import CLIPS_FOLDER, load_motion
from isa_engine.body.motions.motion_npz import write_motion
from isa_engine.given_path import GivenPath

FPS = 24.0
# Clip ← file of the database, and the seconds between which it is cut.
CLIPS: dict[str, tuple[str, float, float]] = {
    "walk": ("02_01.amc", 0.0, 10.0),
    "run": ("02_03.amc", 0.0, 10.0),
    "jump": ("02_04.amc", 0.0, 3.0),
    "punch": ("02_05.amc", 0.8, 8.8),
    "swing": ("02_07.amc", 1.6, 9.6),
    "gesture": ("131_01.bvh", 5.9, 8.2),
    "dance": ("131_03.bvh", 0.5, 8.0),
}


def main() -> None:
    """Convert every clip and write it beside this module."""
    parser = argparse.ArgumentParser(description="Make the bundled clips from takes of the CMU database.")
    parser.add_argument("folder", action=GivenPath, help="where the .amc, .asf and .bvh files are")
    folder = parser.parse_args().folder
    CLIPS_FOLDER.mkdir(exist_ok=True)
    for name, (take, start, end) in CLIPS.items():
        path = CLIPS_FOLDER / f"{name}.npz"
        motion = _cut(load_motion(folder / take).resampled(FPS), start, end)
        write_motion(motion, path)
        print(f"{path}: {len(motion.rotations)} frames, {path.stat().st_size / 1e3:.0f} kB")


def _cut(motion: Motion, start: float, end: float) -> Motion:
    """The seconds from start to end of a motion, moved so that they begin above the origin."""
    frames = slice(round(start * motion.fps), round(end * motion.fps) + 1)
    path = motion.translation[frames]
    return replace(motion, rotations=motion.rotations[frames], translation=path - path[0] * [1, 0, 1])


if __name__ == "__main__":
    main()
