"""A row has medians, their ratio and how many; without theirs it has ours alone."""

import json

from bnrepro.benchmarks.rows import row, told, write_rows


def test_a_row_has_medians_their_ratio_and_how_many():
    found = row("engine/net", "ms", [3.0, 1.0, 2.0], [4.0, 4.0])
    assert found == {"name": "engine/net", "unit": "ms", "ours": 2.0, "theirs": 4.0, "ratio": 0.5, "n": 2}
    assert told(found).split() == "engine/net 2 ms against 4: ratio 0.500 (n = 2)".split()


def test_a_row_without_theirs_has_ours_alone():
    found = row("figure1/whole", "s", [80.0], note="100 seeds")
    assert found["theirs"] is None and found["ratio"] is None and found["n"] == 1
    assert told(found).split() == "figure1/whole 80 s (n = 1); 100 seeds".split()


def test_rows_are_written_as_json(tmp_path):
    rows = [row("a", "s", [1.0]), row("b", "s", [1.0], [2.0])]
    write_rows(tmp_path / "rows.json", rows)
    assert json.loads((tmp_path / "rows.json").read_text()) == rows
