"""Records are written whole or not at all, by one writer of many, and verified when read."""

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pandas as pd
import pytest

from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError, UserError
from bnrepro.plotting.save import save_figure
from bnrepro.plotting.style import new_figure
from bnrepro.records.results import load_results, select, write_results
from bnrepro.records.schemas import SCHEMAS, runs_row
from bnrepro.records.store import collect, move_aside, read_record, replace_record, write_record
from bnrepro.records.workspace import DATA

CONFIG = RunConfig(steps=2, evaluate_every=1)


def record_of(config: RunConfig, accuracy: float = 0.5) -> dict[str, pd.DataFrame]:
    runs = runs_row(config, "finished")
    rows = [(config.id, step, "test", 2.3, "accuracy", accuracy) for step in range(3)]
    return {"runs": runs, "curves": pd.DataFrame(rows, columns=SCHEMAS["curves"])}


def test_what_was_written_is_read_back(tmp_path):
    write_record(tmp_path, CONFIG, record_of(CONFIG))
    found = read_record(tmp_path, CONFIG)
    pd.testing.assert_frame_equal(found["curves"], record_of(CONFIG)["curves"])
    assert found["runs"].loc[0, "steps"] == 2


def test_a_run_without_a_record_reads_as_none(tmp_path):
    assert read_record(tmp_path, CONFIG) is None


def test_a_table_with_other_columns_is_refused_and_leaves_nothing_behind(tmp_path):
    tables = record_of(CONFIG)
    tables["curves"] = tables["curves"].drop(columns="loss")
    with pytest.raises(ValueError, match="curves has the columns"):
        write_record(tmp_path, CONFIG, tables)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "no done-record", "not json"])
def test_a_damaged_record_is_named(tmp_path, damage):
    record = write_record(tmp_path, CONFIG, record_of(CONFIG))
    curves, done = record / "curves.csv", record / "done.json"
    if damage == "changed":
        curves.write_text(curves.read_text().replace("0.5", "0.9"))
    elif damage == "cut":
        curves.write_bytes(curves.read_bytes()[:-3])
    elif damage == "gone":
        curves.unlink()
    elif damage == "no done-record":
        done.unlink()
    else:
        done.write_text("{")
    with pytest.raises(RecordError, match=CONFIG.id):
        read_record(tmp_path, CONFIG)
    kept = move_aside(tmp_path, CONFIG)
    assert read_record(tmp_path, CONFIG) is None
    assert (kept / CONFIG.id).is_dir()


@pytest.mark.parametrize(
    ("key", "value", "message"), [("version", 0, "has version 0"), ("config", {"seed": 9}, "another config")]
)
def test_a_record_of_another_version_or_config_is_not_taken(tmp_path, key, value, message):
    done = write_record(tmp_path, CONFIG, record_of(CONFIG)) / "done.json"
    done.write_text(json.dumps(json.loads(done.read_text()) | {key: value}))
    with pytest.raises(RecordError, match=message):
        read_record(tmp_path, CONFIG)


def write_many(folder, accuracy):
    for seed in range(20):
        config = CONFIG.replace(seed=seed)
        write_record(folder, config, record_of(config, accuracy))


def test_floats_are_read_back_to_the_bit(tmp_path):
    tables = record_of(CONFIG)
    tables["curves"]["loss"] = [0.1 + 0.2, 1 / 3, 2.0**-60]
    write_record(tmp_path, CONFIG, tables)
    assert read_record(tmp_path, CONFIG)["curves"]["loss"].equals(tables["curves"]["loss"])


def test_a_record_from_before_a_field_existed_is_the_run_with_its_default(tmp_path):
    tables = record_of(CONFIG)
    done = write_record(tmp_path, CONFIG, tables) / "done.json"
    known = json.loads(done.read_text())
    del known["config"]["pixels"]
    done.write_text(json.dumps(known))
    assert read_record(tmp_path, CONFIG)["runs"].loc[0, "pixels"] == CONFIG["pixels"]


def test_a_record_that_another_process_just_moved_aside_is_no_error(tmp_path):
    assert move_aside(tmp_path, CONFIG) is None
    assert list(tmp_path.iterdir()) == []


def test_results_that_lack_a_run_or_a_column_are_named(tmp_path):
    folder = tmp_path / "01_training_speed"
    tables = collect_one(tmp_path)
    write_results(folder, tables)
    (folder / "runs.csv").write_text(tables["runs"].iloc[:0].to_csv(index=False))
    with pytest.raises(RecordError, match="results hold each run of the sweep"):
        load_results(folder)
    (folder / "curves.csv").write_text("run,step\n")
    with pytest.raises(RecordError, match="the table curves has the columns of its schema"):
        load_results(folder)
    (folder / "curves.csv").write_text("")
    with pytest.raises(RecordError, match="results are tables"):
        load_results(folder)


def test_results_are_replaced_all_or_none(tmp_path, monkeypatch):
    folder = tmp_path / "results" / "01_training_speed"
    tables = collect_one(tmp_path)
    write_results(folder, tables)
    with pytest.raises(ValueError, match="curves has the columns"):
        write_results(folder, tables | {"curves": tables["curves"].drop(columns="loss")})
    rename = os.rename
    monkeypatch.setattr(
        os, "rename", lambda source, target: refuse() if source.name == "new" else rename(source, target)
    )
    with pytest.raises(OSError, match="disk full"):
        write_results(folder, tables)
    assert load_results(folder)["curves"].equals(tables["curves"])
    assert [path.name for path in folder.parent.iterdir()] == ["01_training_speed"]


def write_and_read_many(folder, tables, failures):
    for _ in range(50):
        try:
            written = write_results(folder, tables)
            if len(written["curves"]) != len(tables["curves"]):
                failures.put("another writer's tables")
            load_results(folder)
        except (OSError, UserError, RecordError) as error:
            failures.put(f"{type(error).__name__}: {error}")
    failures.put("done")


@pytest.mark.slow
def test_two_writers_of_the_same_results_do_not_see_each_other(tmp_path):
    whole = collect_one(tmp_path)
    fewer = whole | {"curves": whole["curves"].iloc[:1]}
    context = multiprocessing.get_context("spawn")
    failures = context.Queue()
    arguments = [(tmp_path / "results" / "01_training_speed", tables, failures) for tables in (whole, fewer)]
    writers = [context.Process(target=write_and_read_many, args=each) for each in arguments]
    for writer in writers:
        writer.start()
    found = []
    while found.count("done") < 2:
        found.append(failures.get())
    for writer in writers:
        writer.join()
    assert found == ["done", "done"]


def read_until(folder, said, stop):
    said.put("ready")
    missed = 0
    while not stop.is_set():
        missed += read_record(folder, CONFIG) is None
    said.put(missed)


@pytest.mark.slow
def test_a_record_that_is_replaced_is_there_all_the_while(tmp_path):
    folder = tmp_path / "records"
    write_record(folder, CONFIG, record_of(CONFIG))
    context = multiprocessing.get_context("spawn")
    said, stop = context.Queue(), context.Event()
    reader = context.Process(target=read_until, args=(folder, said, stop))
    reader.start()
    assert said.get() == "ready"
    for number in range(50):
        write_record(tmp_path / str(number), CONFIG, record_of(CONFIG, number))
        replace_record(tmp_path / str(number), folder, CONFIG.id)
    stop.set()
    reader.join()
    assert said.get() == 0
    assert read_record(folder, CONFIG)["curves"]["value"].unique() == [49]
    assert [path.name for path in folder.iterdir()] == [CONFIG.id]


def refuse(error=OSError):
    raise error("disk full")


@pytest.mark.parametrize(
    ("umask", "folder", "file"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600), (0o002, 0o775, 0o664)]
)
def test_all_that_is_written_has_the_rights_that_the_umask_gives(tmp_path, umask, folder, file):
    before = os.umask(umask)
    try:
        write_results(tmp_path / "a" / "results" / "01", collect_one(tmp_path / "a"))
        write_record(tmp_path / "a" / "runs", CONFIG.replace(seed=1), record_of(CONFIG.replace(seed=1)))
        move_aside(tmp_path / "a" / "runs", CONFIG)
        save_figure(new_figure(20, 20), tmp_path / "a" / "figures" / "01.svg", {})
    finally:
        os.umask(before)
    written = list((tmp_path / "a").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in written if path.is_dir()} == {folder}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written if path.is_file()} == {file}
    assert {path.suffix for path in written} >= {".csv", ".json", ".svg"}


def test_a_record_that_may_not_be_read_is_not_taken_for_a_damaged_one(tmp_path, monkeypatch):
    record = write_record(tmp_path, CONFIG, record_of(CONFIG))
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: refuse(PermissionError) if record in path.parents else read(path)
    )
    with pytest.raises(PermissionError):
        read_record(tmp_path, CONFIG)


def test_every_column_of_every_table_is_described():
    text = (DATA / "README.md").read_text().split("## The record")[1]
    fields = set(CONFIG.as_dict())
    for name, columns in SCHEMAS.items():
        assert f"`{name}`" in text
        assert [column for column in columns if f"`{column}`" not in text and column not in fields] == []


@pytest.mark.slow
def test_two_writers_at_once_leave_one_whole_record_of_each_run(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(tmp_path, accuracy)) for accuracy in (0.25, 0.75)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(list(tmp_path.iterdir())) == 20
    for seed in range(20):
        curves = read_record(tmp_path, CONFIG.replace(seed=seed))["curves"]
        assert curves["value"].nunique() == 1


def test_collecting_names_the_groups_of_each_run_and_holds_each_run_once(tmp_path):
    other = CONFIG.replace(normalization="batch")
    for config in (CONFIG, other):
        write_record(tmp_path, config, record_of(config))
    tables = collect({Group("main"): [CONFIG, other], Group("again"): [CONFIG]}, tmp_path, ("runs", "curves"))
    assert len(tables["runs"]) == 2
    assert set(select(tables, "again", "curves")["normalization"]) == {"none"}
    assert len(select(tables, "main")) == 2


def test_collecting_a_run_that_was_not_trained_names_it(tmp_path):
    with pytest.raises(UserError, match=CONFIG.id):
        collect({Group("main"): [CONFIG]}, tmp_path, ("runs",))


def test_results_are_read_back_and_missing_ones_name_the_command(tmp_path):
    tables = collect_one(tmp_path)
    write_results(tmp_path / "01_training_speed", tables)
    assert set(load_results(tmp_path / "01_training_speed")) == {"sweep", "runs", "curves"}
    with pytest.raises(UserError, match="bnrepro run 02_activation_drift"):
        load_results(tmp_path / "02_activation_drift")


def collect_one(folder):
    write_record(folder / "runs", CONFIG, record_of(CONFIG))
    return collect({Group("main"): [CONFIG]}, folder / "runs", ("runs", "curves"))


def test_results_of_older_runs_have_the_default_of_a_newer_field_and_an_empty_word_stays_one(tmp_path):
    runs = runs_row(CONFIG, "finished")
    older = runs.drop(columns=["measurements", "shuffling"])
    (tmp_path / "old").mkdir()
    older.to_csv(tmp_path / "old" / "runs.csv", index=False)
    write_results(tmp_path / "new", {"runs": runs})
    for folder in ("old", "new"):
        found = load_results(tmp_path / folder)["runs"].iloc[0]
        assert {name: found[name] for name in CONFIG.as_dict()} == CONFIG.as_dict()
