"""The committed record: written by the paper preset, its choices those of the rule, and README and figures made from it."""

import pandas as pd
import pytest

from bnrepro import report
from bnrepro.claims import CLAIMS, FEWEST
from bnrepro.config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.plots import FORMATS, digest
from bnrepro.tables import load_results
from bnrepro.workspace import CHECKOUT, Workspace

training_speed = EXPERIMENTS["01_training_speed"]

RECORD = Workspace("paper")


@pytest.fixture(scope="module")
def results():
    return {notebook: load_results(RECORD.results / notebook) for notebook in EXPERIMENTS}


def test_every_claim_has_a_verdict_from_enough_seeds():
    table = report.verdicts(RECORD)
    assert list(table["claim"]) == list(CLAIMS)
    assert (table["n"] >= FEWEST).all()


@pytest.mark.parametrize("notebook", [name for name in EXPERIMENTS if EXPERIMENTS[name].sweep("paper")])
def test_the_runs_are_those_of_the_paper_preset(results, notebook):
    configs = {config.id: config for group in EXPERIMENTS[notebook].sweep("paper").values() for config in group}
    runs = results[notebook]["runs"].set_index("run")
    assert set(runs.index) == set(configs)
    for run, config in configs.items():
        assert {name: runs.at[run, name] for name in config.as_dict()} == config.as_dict()


def test_the_values_that_the_paper_leaves_out_are_those_that_the_rule_chose_without_bn(results):
    tables = results["01_training_speed"]
    cells = training_speed.calibrated(tables)
    chosen = cells[cells["chosen"]]
    assert len(chosen) == 1 and chosen["frozen"].all()
    frozen = RunConfig()
    assert tuple(chosen.iloc[0][["pixels", "initial_std", "learning_rate"]]) == (
        *(frozen.pixels, frozen.initial_std, frozen.learning_rate),
    )


def test_both_arms_of_a_seed_differ_in_the_normalization_alone(results):
    runs = results["01_training_speed"]["sweep"].query("group == 'main'").merge(results["01_training_speed"]["runs"])
    fields = [name for name in RunConfig().as_dict() if name not in ("normalization", "seed")]
    assert (runs[fields].nunique(dropna=False) == 1).all()
    assert pd.crosstab(runs["seed"], runs["normalization"]).eq(1).all(axis=None)


@pytest.mark.parametrize("notebook", list(EXPERIMENTS))
def test_the_committed_figures_were_drawn_from_the_committed_tables(results, notebook):
    expected = digest(results[notebook])
    for ending in FORMATS:
        content = (RECORD.figures / f"{notebook}.{ending}").read_bytes()
        assert expected.encode() in content, f"figures/{notebook}.{ending} is of other tables: run `bnrepro figures`"


def test_the_readme_is_generated_from_the_record():
    text = (CHECKOUT / "README.md").read_text()
    assert report.update_readme(text) == text
