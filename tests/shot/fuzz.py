"""Coverage-guided fuzzing of the shot reader: every input is a shot or a ShotError, in bounded memory.

usage: python -m tests.shot.fuzz [SECONDS]      600 unless given; needs the extra "fuzzing"

The first byte of an input says what the rest is: a file as it comes, the text of the header, or the content
of a member in an archive that is otherwise whole; so mutations get past the checksums of the archive. What
breaks the reader is kept as `crash-*` in the working folder, and `python -m tests.shot.fuzz FILE` repeats it.
"""

import json
import sys
import tempfile
from pathlib import Path

import atheris

MEBIBYTES, LONGEST = 1024, 2**16

with atheris.instrument_imports(include=["isa_engine.shot", "zipfile"]):
    import numpy as np

    from isa_engine.shot import encode_shot
    from tests.shot.shots import archive, header, members, npy, small_shot
    from tests.shot.test_hostile_files import shot_or_error

CONTENT = encode_shot(small_shot())
MEMBERS = members(CONTENT)
NAMES = list(MEMBERS)


def file_of(data: bytes) -> bytes:
    """The upload that an input stands for."""
    kind, rest = data[:1], data[1:]
    if not kind or kind[0] % (2 + len(NAMES)) == 0:
        return rest
    number = kind[0] % (2 + len(NAMES)) - 1
    if number == len(NAMES):
        return archive({**MEMBERS, "header.npy": npy(np.frombuffer(rest, np.uint8))})
    return archive({**MEMBERS, NAMES[number]: rest})


def seeds(folder: Path) -> None:
    (folder / "file").write_bytes(bytes([0]) + CONTENT)
    for number, part in enumerate(MEMBERS.values(), 1):
        (folder / f"member-{number}").write_bytes(bytes([number]) + part)
    text = json.dumps(header(CONTENT)).encode()
    (folder / "header").write_bytes(bytes([1 + len(NAMES)]) + text)


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else "600"
    with tempfile.TemporaryDirectory(prefix="isa-fuzz-") as folder:
        seeds(Path(folder))
        inputs = [f"-max_total_time={given}", folder] if given.isdecimal() else [given]
        limits = (f"-rss_limit_mb={MEBIBYTES}", f"-max_len={LONGEST}", "-timeout=10", "-print_final_stats=1")
        atheris.Setup([sys.argv[0], *limits, *inputs], lambda data: shot_or_error(file_of(data)))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
