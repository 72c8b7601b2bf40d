"""The few files that a sprint leaves, each small enough to be carried, and replaced whole every minute.

``weights.safetensors`` are those to use; where these are averages, ``raw.safetensors`` are those to go on
from. Both are heads of several files (``networks.weight_files``). ``run.json``, ``curves.jsonl`` and
``sheet.png`` tell of the run.
"""

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import read_weights, write_weights
from isa_engine.whole_file import whole_file

LARGEST, MOST = 16 * 2**20, 8
USED, RAW, SHEET = "weights.safetensors", "raw.safetensors", "sheet.png"
STORY = ("run.json", "curves.jsonl")
# Files that the weights to use may fill in half precision: two are for those to go on from.
_PARTS = MOST - len(STORY) - 1 - 2


class Outputs:
    """The files that a sprint leaves.

    Args:
        folder: what comes back of the machine.
        story: where ``training.run.Run`` writes meanwhile.
    """

    def __init__(self, folder: Path, story: Path):
        self.folder, self.story = folder, story
        folder.mkdir(parents=True, exist_ok=True)
        self._writer: threading.Thread | None = None
        self._failed: BaseException | None = None

    def write(self, weights: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Begin to replace all but the sheet, beside the training.

        Args:
            weights: by their heads; tensors must not change any more.

        That something could not be written before does not stop this: it may succeed.
        """
        try:
            self.wait()
        except ModelError as error:
            print(error, flush=True)
        self._writer = threading.Thread(target=self._write, args=(weights,))
        self._writer.start()

    def wait(self) -> None:
        """Until what was begun is written.

        Raises:
            ModelError: it could not be.
        """
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise ModelError(f"the weights were not written: {failed}", where=str(self.folder)) from failed

    def tell(self) -> None:
        """Replace what tells of the run."""
        # A curve begins with the first steps that are waited for.
        for told in filter(Path.exists, (self.story / name for name in STORY)):
            with whole_file(self.folder / told.name) as partial:
                shutil.copyfile(told, partial)

    def _write(self, weights: Mapping[str, Mapping[str, Tensor]]) -> None:
        try:
            for head, tensors in weights.items():
                size = 2 * sum(tensor.numel() for tensor in tensors.values())
                fits = head == USED and size < 0.98 * _PARTS * LARGEST
                write_weights(tensors, self.folder / head, 16 if fits else 8, LARGEST)
            self.tell()
        except (OSError, ModelError) as error:
            self._failed = error


def is_sprint(folder: Path) -> bool:
    """Whether a sprint left weights here, some of them at least."""
    return (folder / USED).exists() or (folder / RAW).exists()


def to_go_on_from(folder: Path) -> str:
    """The head of those weights that the next sprint should start with."""
    return RAW if (folder / RAW).exists() else USED


def unpack(folder: Path, run: Path, weights: str = USED) -> None:
    """What a sprint left as a run's folder, as ``training.assembly.assemble`` and ``start`` read it.

    Args:
        folder: of the files that came back.
        run: to be made.
        weights: their head.

    Raises:
        ModelError: a file is missing or cannot be read; it is named.
    """
    tensors = read_weights(folder / weights)
    run.mkdir(parents=True, exist_ok=True)
    for part in sorted({name.partition(".")[0] for name in tensors}):
        own = {name.removeprefix(f"{part}."): t for name, t in tensors.items() if name.startswith(f"{part}.")}
        write_weights(own, run / f"{part}.safetensors")
    for name in STORY:
        if not (folder / name).exists():
            raise ModelError(f"'{name}' is missing", where=str(folder), remedy="Copy all that came back.")
        shutil.copyfile(folder / name, run / name)


def check(folder: Path) -> None:
    """Raise ModelError unless the files are few and small enough to be carried."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    large = [file.name for file in files if file.stat().st_size > LARGEST]
    if large or len(files) > MOST:
        problem = f"{len(files)} files" + (f", of which {', '.join(large)} are too large" if large else "")
        raise ModelError(problem, where=str(folder), remedy=f"{MOST} of {LARGEST} bytes can be carried.")
