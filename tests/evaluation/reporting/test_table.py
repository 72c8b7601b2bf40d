"""Tables in both forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.errors import DataError
from isa_engine.evaluation.reporting.table import (
    NOTHING,
    Row,
    Table,
    cell_of,
    mean,
    not_measured,
    read,
    write,
)

NUMBERS = st.floats(-1e6, 1e6)
CELLS = NUMBERS | st.lists(NUMBERS, min_size=1, max_size=4).map(tuple) | st.text("abc –()", max_size=9)


@given(cells=st.lists(CELLS, min_size=3, max_size=3), note=st.text(max_size=20))
def test_a_table_comes_back_from_json_as_it_was(tmp_path_factory, cells, note):
    folder = tmp_path_factory.getbasetemp()
    table = Table("Title", ("what", "a", "b", "c"), (Row("row", tuple(cells)),), (note,))
    write(folder, "round-trip", [table, table], {"clips": 3})
    assert read(folder / "round-trip.json") == ([table, table], {"clips": 3})


def test_markdown_shows_mean_and_spread_and_what_was_not_measured(tmp_path):
    row = Row("model", (12.0, (1.0, 3.0), not_measured("without --i3d")))
    write(tmp_path, "t", [Table("Title", ("what", "a", "b", "c"), (row,), ("A note.",))], {"seed": 7})
    page = (tmp_path / "t.md").read_text()
    assert "| model | 12.00 | 2.000 ± 1.414 | not measured (without --i3d) |" in page
    assert "A note." in page
    assert "- seed: 7" in page


def test_what_came_to_nothing_is_left_out_of_the_mean():
    assert mean(cell_of([1.0, None, 2.0])) == 1.5
    assert cell_of([None]) == NOTHING
    assert mean(NOTHING) is None


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "t.json").write_text('{"tables": 3}')
    with pytest.raises(DataError, match=r"t\.json"):
        read(tmp_path / "t.json")
