"""Make the manual's pictures of those that the window tests took of the real application.

usage: python -m pytest tests/window && .venv/bin/python install/manual_pictures.py [VERSION]

Reads ``out/window/VERSION-*.png``, writes ``docs/images``: cut to what the text speaks of, in 256 colours.
"""

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
# Left, top, right, bottom, in pixels of the tests' screen: its viewport with the sidebar, all of it.
VIEWPORT, WINDOW, WHOLE = (0, 30, 1050, 926), (0, 0, 1280, 1000), (0, 0, 1280, 1024)
PICTURES = {
    "empty": ("desk-empty", VIEWPORT),
    "staged": ("journey-1-staged", VIEWPORT),
    "bar": ("journey-1-background", WHOLE),
    "people": ("desk-people", VIEWPORT),
    "people-browser": ("desk-wham-browser", WINDOW),
    "marking": ("match-marking", WINDOW),
    "matched": ("match-in-space", VIEWPORT),
    "preflight": ("preflight-found", VIEWPORT),
    "overlay": ("overlay-on", VIEWPORT),
    "controls-overlay": ("overlay-masks", VIEWPORT),
    "queue": ("jobs-3-again", VIEWPORT),
    "takes": ("jobs-5-compared", VIEWPORT),
    "alpha": ("jobs-6-alpha", VIEWPORT),
    "farm": ("desk-farm", VIEWPORT),
    "preferences": ("desk-preferences", VIEWPORT),
}


def main(version: str) -> int:
    images = ROOT / "docs" / "images"
    images.mkdir(exist_ok=True)
    missing = []
    for name, (source, box) in PICTURES.items():
        path = ROOT / "out" / "window" / f"{version}-{source}.png"
        if not path.exists():
            missing.append(path.name)
            continue
        picture = Image.open(path).convert("RGB").crop(box)
        picture.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(images / f"{name}.png", optimize=True)
    for name in missing:
        print(f"manual_pictures: no {name} in out/window", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "5.2.2"))
