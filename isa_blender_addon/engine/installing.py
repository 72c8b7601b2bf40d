"""How to install an engine without a checkout: from the wheel that came with the extension, by pip alone."""

from pathlib import Path

_TEXT = """The engine paints the plates. It is a program of its own, and Blender's add-ons may not install
programs, so these lines are for a terminal. Any Python from 3.11 to 3.14 will do, and about 3 GB of disk.

{lines}

Then: ISA > Engine > Look Again.

{weights}
To have people found in reference pictures, the same with Python 3.11 or 3.12 for the detector:

{detector}

An engine on another machine is entered under ISA > Engine > Remote Engine.
"""
_BARE = """The extension's wheel holds no weights: such an engine runs, and paints noise until the folder
isa_engine/weights of a checkout is put into it. A wheel that is built from a checkout by
"pip wheel --no-deps ." has those of isa-tiny, and installs by the same lines with its own path.
"""
_CHECKOUT = """From a checkout, install/engine.sh does the same, with the weights of isa-tiny.
"""


def how_to_install(wheels: Path, platform: str) -> str:
    """What to type on this system.

    Args:
        wheels: folder of the extension with its wheels; without one, the add-on is in a checkout.
        platform: as ``sys.platform`` has it.
    """
    wheel = next(iter(sorted(wheels.glob("isa_engine-*.whl"))), None)
    if wheel is None:
        return _TEXT.format(
            lines="    install/engine.sh", weights=_CHECKOUT, detector="    install/detector.sh"
        )
    return _TEXT.format(
        lines=_lines(wheel, "engine", platform),
        weights=_BARE,
        detector=_lines(wheel, "detector", platform),
    )


def _lines(wheel: Path, part: str, platform: str) -> str:
    if platform == "win32":
        start, home, python = "py", f"%USERPROFILE%\\isa-{part}", "Scripts\\python.exe"
    else:
        start, home, python = "python3", f"$HOME/isa-{part}", "bin/python"
    separator = "\\" if platform == "win32" else "/"
    inside = f'"{home}{separator}{python}"'
    return "\n".join(
        (
            f'    {start} -m venv "{home}"',
            f'    {inside} -m pip install "{wheel}[{part}]"',
            f"    {inside} -m isa_engine.client.location {part}",
        )
    )
