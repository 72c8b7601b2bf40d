"""Tables, as Markdown for people and as JSON for programs."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from isa_engine.errors import DataError

# A number; the numbers of all clips or seeds, which are shown as mean and deviation; or words.
Cell = float | tuple[float, ...] | str
NOTHING = "–"
"""There is nothing to measure: a still picture has no seams."""


def not_measured(reason: str) -> str:
    """The words of a cell whose measure could not be taken."""
    return f"not measured ({reason})"


def mean(cell: Cell) -> float | None:
    """The mean of a cell's numbers; None for words."""
    if isinstance(cell, str):
        return None
    return fmean(cell) if isinstance(cell, tuple) else cell


def cell_of(values: list[float | None]) -> Cell:
    """The cell of measurements, without those that could not be taken (None)."""
    return tuple(value for value in values if value is not None) or NOTHING


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: what the row is about.
        cells: one a column.
    """

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table of measurements, for Markdown and JSON.

    Attributes:
        title: of the table.
        columns: the first names the rows; the others have a cell in each.
        rows: from top to bottom.
        notes: sentences below the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def cell(self, row: str, column: str) -> Cell:
        """Raises KeyError where there is no such row or column."""
        cells = {r.name: r.cells for r in self.rows}[row]
        return dict(zip(self.columns[1:], cells, strict=True))[column]

    def markdown(self) -> str:
        head = [f"## {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        body = [_line([row.name, *map(_shown, row.cells)]) for row in self.rows]
        return "\n".join([*head, *body, "", *(f"{note}\n" for note in self.notes)]) + "\n"


def write(folder: Path, name: str, tables: list[Table], settings: dict[str, Any]) -> None:
    """Write ``name.md`` and ``name.json``.

    Args:
        settings: what the numbers were measured with; goes into both.
    """
    said = "".join(f"- {key}: {value}\n" for key, value in settings.items())
    pages = [table.markdown() for table in tables]
    (folder / f"{name}.md").write_text("\n".join([*pages, f"Measured with:\n\n{said}"]))
    content = {"settings": settings, "tables": [asdict(table) for table in tables]}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> tuple[list[Table], dict[str, Any]]:
    """The tables and the settings of a JSON file that ``write`` left.

    Raises:
        DataError: it cannot be read.
    """
    try:
        content = json.loads(path.read_text())
        return [_table(table) for table in content["tables"]], content["settings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot read the tables: {error!r}", where=str(path)) from error


def _table(content: dict[str, Any]) -> Table:
    rows = tuple(Row(row["name"], tuple(_cell(cell) for cell in row["cells"])) for row in content["rows"])
    return Table(content["title"], tuple(content["columns"]), rows, tuple(content["notes"]))


def _cell(value: Any) -> Cell:
    return tuple(value) if isinstance(value, list) else value


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    number = mean(cell)
    digits = 2 if abs(number) >= 10 else 3
    if not math.isfinite(number):
        return str(number)
    if isinstance(cell, tuple) and len(cell) > 1:
        return f"{number:.{digits}f} ± {stdev(cell):.{digits}f}"
    return f"{number:.{digits}f}"
