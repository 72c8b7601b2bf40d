"""Reading numbers from an ``.npz`` that somebody else wrote; objects in it are never unpickled."""

import os
import zipfile
import zlib

import numpy as np

from isa_engine.errors import BodyError, reason


class NpzFile:
    """An ``.npz`` archive whose members are read and checked one by one, when they are asked for.

    Args:
        kind: what the file should be, for the errors ("body").
        remedy: what the errors say is to be done, if the file is no such thing.

    Raises:
        BodyError: it cannot be opened as an ``.npz``.
    """

    def __init__(self, path: str | os.PathLike, kind: str, remedy: str):
        self.where, self.remedy = str(path), remedy
        try:
            archive = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise BodyError("the file is not a whole .npz", where=self.where, remedy=remedy) from error
        except OSError as error:
            problem = f"cannot read the {kind}: {reason(error)}"
            raise BodyError(problem, where=self.where) from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise BodyError("the file is not an .npz", where=self.where, remedy=remedy)
        self.archive = archive

    def __enter__(self) -> "NpzFile":
        return self

    def __exit__(self, *_) -> None:
        self.archive.close()

    def __contains__(self, name: str) -> bool:
        return name in self.archive.files

    def numbers(self, name: str, shape: tuple[int | None, ...] | None, dtype: type) -> np.ndarray:
        """One member, converted.

        Args:
            shape: that it must have; None in a place allows any length there, None alone any shape.
            dtype: to which it is converted.

        Raises:
            BodyError: names the field that is missing, truncated, not finite or of another kind.
        """
        where = f"{self.where}, field '{name}'"
        array = self._read(name, where)
        fits = shape is None or (
            array.ndim == len(shape)
            and all(n in (None, found) for n, found in zip(shape, array.shape, strict=True))
        )
        if not fits or array.dtype.kind not in "fiu":
            raise BodyError(
                f"{array.dtype} of shape {array.shape} does not fit", where=where, remedy=self.remedy
            )
        if not np.isfinite(array).all():
            raise BodyError("some of the numbers are not finite", where=where, remedy=self.remedy)
        return array.astype(dtype, copy=False)

    def text(self, name: str) -> str:
        """One member that is a word; bytes are read as UTF-8.

        Raises:
            BodyError: it is missing or truncated.
        """
        value = self._read(name, f"{self.where}, field '{name}'").reshape(-1)[:1].tolist()
        word = value[0] if value else ""
        return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)

    def _read(self, name: str, where: str) -> np.ndarray:
        if name not in self:
            raise BodyError("the field is missing", where=where, remedy=self.remedy)
        try:
            return self.archive[name]
        except ValueError as error:
            remedy = "Save it again as a plain array of numbers."
            raise BodyError(
                "the field holds Python objects or is broken", where=where, remedy=remedy
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise BodyError("the field is truncated", where=where, remedy="Copy the file again.") from error
