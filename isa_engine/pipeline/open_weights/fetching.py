"""A repository of weights as a folder: file by file, each checked, and where it broke off it goes on.

Only the engine's command does this, when a person asks for it. Nothing else of the engine or the add-on does.
Hugging Face's own client begins a file anew in each process, and some of these have many GiB; so the files
are asked for here, by plain HTTP with ranges, and nobody is told who asks.
"""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import requests

from isa_engine.address import without_password
from isa_engine.errors import ModelError
from isa_engine.models.kind import Source
from isa_engine.pipeline.open_weights.licence import FILES, licence_of
from isa_engine.results.record import sha256
from isa_engine.whole_file import whole_file

_HUB = "https://huggingface.co"
# The commit that a folder is of: a fetch that goes on takes the files of the same.
_COMMIT = ".commit"
_COMMIT_HASH = re.compile("[0-9a-f]{40}")
# Seconds without an answer; bytes that are written at once; bytes that stay free on the disk; tells a file.
_SILENCE, _PIECE, _SPARE, _TELLS = 30, 2**20, 2**30, 20


@dataclass(frozen=True)
class _File:
    """As a repository lists it.

    Attributes:
        bytes: its length.
        blob: git's hash of it, SHA-1; of a large file, of a pointer to it.
        sha256: of a large file; empty: it is small.
    """

    bytes: int
    blob: str
    sha256: str

    def is_at(self, path: Path) -> bool:
        """Whether a file is this one, by its hash."""
        if not path.is_file() or path.stat().st_size != self.bytes:
            return False
        if self.sha256:
            return sha256(path) == self.sha256
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == self.blob


def fetch(source: Source, folder: Path, revision: str, accepted: bool, report: Callable[[str], None]) -> None:
    """Fetch a model's files into a folder.

    Args:
        revision: a commit, 40 hexadecimal digits; empty: the one that the folder is of, or else the newest.
        accepted: whether the person has accepted the licence; if not, no more than it is fetched.
        report: told the commit, the licence, the size of all files, and how far each of them is.

    Raises:
        ModelError: the licence was not accepted, there is no connection or room, or a file is not what the
            repository says it is.
    """
    repository = source.repository
    with _told(repository, folder):
        kept = folder / _COMMIT
        revision = revision or (kept.read_text(encoding="ascii").strip() if kept.is_file() else "main")
        if revision != "main" and not _COMMIT_HASH.fullmatch(revision):
            remedy = "Give the 40 hexadecimal digits of a commit: branches and tags move."
            raise ModelError(f"'{revision}' is no commit", where=repository, remedy=remedy)
        commit, files = _listed(repository, revision)
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(kept) as partial:
            partial.write_text(commit, encoding="ascii")
        report(f"{repository}, commit {commit}")
        # What names the licence comes first, so that it is read before anything large is fetched.
        _get(repository, commit, _chosen(files, FILES), folder, report)
        wanted = _chosen(files, source.files)
        whole = sum(file.bytes for file in wanted.values()) / 2**30
        report(f"licence: {licence_of(folder)}; {whole:.3g} GiB in all")
        if not accepted:
            remedy = f"Read it in {folder}, then run this again with --accept-licence."
            raise ModelError("the licence was not accepted", where=repository, remedy=remedy)
        missing = sum(file.bytes for path, file in wanted.items() if not (folder / path).is_file())
        free = shutil.disk_usage(folder).free
        if missing + _SPARE > free:
            problem = f"{missing / 2**30:.3g} GiB are missing, and {free / 2**30:.3g} are free on the disk"
            raise ModelError(problem, where=str(folder), remedy="Free some space, or use --to.")
        _get(repository, commit, wanted, folder, report)


def _listed(repository: str, revision: str) -> tuple[str, dict[str, _File]]:
    """The commit of a revision, and its files by their paths."""
    commit = _json(f"/api/models/{repository}/revision/{revision}")["sha"]
    if not _COMMIT_HASH.fullmatch(commit):
        raise ValueError(f"{commit!r} is no commit")
    tree = _json(f"/api/models/{repository}/tree/{commit}?recursive=true")
    return commit, {
        entry["path"]: _File(int(entry["size"]), entry["oid"], entry.get("lfs", {}).get("oid", ""))
        for entry in tree
        if entry["type"] == "file"
    }


def _chosen(files: dict[str, _File], patterns: tuple[str, ...]) -> dict[str, _File]:
    """The files of these patterns; a path that leaves the folder is nobody's weights."""
    inside = (path for path in sorted(files) if ".." not in Path(path).parts)
    return {path: files[path] for path in inside if any(fnmatch(path, pattern) for pattern in patterns)}


def _get(
    repository: str, commit: str, files: dict[str, _File], folder: Path, report: Callable[[str], None]
) -> None:
    for number, (path, file) in enumerate(files.items(), 1):
        what = f"{number}/{len(files)} {path}, {file.bytes / 2**30:.3g} GiB"
        report(what)
        if file.is_at(folder / path):
            continue
        part = folder / f"{path}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        url = f"/{repository}/resolve/{commit}/{path}"
        _stream(url, part, file.bytes, lambda share, what=what: report(f"{what}: {share:.0%}"))
        if not file.is_at(part):
            part.unlink()
            remedy = "Run this again; if that does not help, the server has another file than it lists."
            raise ModelError(f"'{path}' has another hash than its repository says", remedy=remedy)
        part.replace(folder / path)


def _stream(path: str, part: Path, size: int, report: Callable[[float], None]) -> None:
    """Write what is missing of a file; as long as something comes, a connection that breaks is made anew."""
    while (done := part.stat().st_size if part.is_file() else 0) < size:
        try:
            headers = {"Range": f"bytes={done}-"} if done else {}
            with _ask(path, headers=headers, stream=True) as answer:
                _write(answer, part, size, report)
        except requests.RequestException:
            if not part.is_file() or part.stat().st_size <= done:
                raise


def _write(answer: requests.Response, part: Path, size: int, report: Callable[[float], None]) -> None:
    """Write what comes; no more than one piece beyond the file's size."""
    # A server that knows no ranges sends the whole file.
    with part.open("ab" if answer.status_code == requests.codes.partial else "wb") as file:
        told = file.tell() / size
        for piece in answer.iter_content(_PIECE):
            file.write(piece)
            if file.tell() > size:
                break
            if (share := file.tell() / size) >= told + 1 / _TELLS:
                told = share
                report(share)


def _json(path: str) -> Any:
    with _ask(path) as answer:
        return answer.json()


def _ask(path: str, **options: Any) -> requests.Response:
    """Of Hugging Face, or of the mirror that its own variable names."""
    # Weights are compressed badly, and a range of a compressed file is none of the file's.
    headers = {"Accept-Encoding": "identity", **options.pop("headers", {})}
    named = os.environ.get("HF_ENDPOINT", "").rstrip("/") or _HUB
    # Its errors quote the address that was asked.
    name, password = requests.utils.get_auth_from_url(named)
    auth = (name, password) if name or password else None
    answer = requests.get(
        without_password(named) + path, timeout=_SILENCE, headers=headers, auth=auth, **options
    )
    answer.raise_for_status()
    return answer


@contextlib.contextmanager
def _told(repository: str, folder: Path) -> Iterator[None]:
    """What goes wrong is a sentence."""
    remedy = "Look at the connection and run this again: it goes on where it broke off."
    try:
        yield
    except requests.RequestException as error:
        problem = f"fetching broke off: {error}"
        raise ModelError(problem, where=repository, remedy=remedy) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"the answer makes no sense: {error!r}"
        raise ModelError(problem, where=repository, remedy=remedy) from error
    except OSError as error:
        raise ModelError(f"the model cannot be written: {error.strerror}", where=str(folder)) from error
