"""Where shots and results lie for good, and for other hosts: any target that fsspec speaks to."""

from pathlib import Path

from isa_engine.address import without_password
from isa_engine.errors import EngineError
from isa_engine.service.files.durable import flush_all
from isa_engine.whole_file import whole_file


class Archive:
    """A folder at a URL such as ``s3://bucket/isa`` or ``file:///mnt/isa``.

    Raises:
        EngineError: nothing here speaks to such a URL.
    """

    def __init__(self, url: str):
        remedy = "pip install 'isa-engine[cluster]', and fsspec's own package for this kind of target."
        try:
            import fsspec
            from fsspec.implementations.local import LocalFileSystem

            self._files, self._root = fsspec.core.url_to_fs(url)
            self._local = isinstance(self._files, LocalFileSystem)
        except (ImportError, ValueError) as error:
            raise EngineError(
                f"results cannot lie there: {error}", where=without_password(url), remedy=remedy
            ) from error

    def keep(self, path: Path, name: str) -> None:
        """Copy a file there, under a name of ours."""
        place = f"{self._root}/{name}"
        folder = place.rpartition("/")[0]
        self._files.makedirs(folder, exist_ok=True)
        if not self._local:
            # Object stores take a file whole or not at all, and return when they have it.
            self._files.put_file(str(path), place)
            return
        with whole_file(Path(place), shared=True) as partial:
            self._files.put_file(str(path), str(partial))
        flush_all(Path(folder), (), Path(self._root))

    def bring(self, name: str, path: Path) -> None:
        """Copy a file here, whole or not at all; nothing where there is none."""
        if not self._files.exists(f"{self._root}/{name}"):
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with whole_file(path, shared=True) as partial:
            self._files.get_file(f"{self._root}/{name}", str(partial))

    def remove(self, name: str) -> None:
        """Remove what lies under a name, if anything."""
        if self._files.exists(f"{self._root}/{name}"):
            self._files.rm(f"{self._root}/{name}", recursive=True)
