"""What a median is taken of is told seed by seed, so that two records can be compared, whatever row a seed stands in."""

import pandas as pd
import pytest

from bnrepro.experiments import OURS, Experiment
from bnrepro.records.computed import known
from bnrepro.records.results import load_results
from bnrepro.records.schemas import Tables
from bnrepro.records.workspace import Workspace
from tests.experiments.factories import finding_tables

TRAINED = [notebook for notebook, experiment in OURS.items() if experiment.sweep("smoke")]

LARGEST = {"C2", "L8"}
"""Claims about the largest error over the seeds, which is of no seed."""


def with_seeds_from_1000(tables: Tables) -> Tables:
    """So that no seed is the number of a row."""
    moved = {name: table.assign(seed=table["seed"] + 1_000) for name, table in tables.items() if "seed" in table}
    return known({**tables, **moved})


def values(experiment: Experiment, tables: Tables) -> pd.Series:
    """By claim how many values it has, each of another seed and between two ends; and where one is not, the claim is named."""
    tables, found = with_seeds_from_1000(tables), {}
    for claim in experiment.own_claims:
        row = claim.statistic_of(tables)
        keys = [key for key, _ in row.each]
        assert set(keys) <= set(tables["runs"]["seed"]), f"{claim.id} has values of {keys}"
        assert len(set(keys)) == len(row.sample) == (0 if claim.id in LARGEST else row.n), claim.id
        found[claim.id] = len(keys)
    return pd.Series(found)


@pytest.mark.parametrize("notebook", TRAINED)
def test_the_values_of_a_claim_are_of_seeds(notebook):
    found = values(OURS[notebook], finding_tables(notebook, "quick", seeds=2))
    assert found.any()


@pytest.mark.slow
def test_in_the_record_each_claim_has_the_values_of_its_seeds_but_those_of_a_largest_error():
    record = Workspace("paper").results
    found = pd.concat([values(OURS[notebook], load_results(record / notebook)) for notebook in TRAINED])
    assert set(found.index[found == 0]) == LARGEST
