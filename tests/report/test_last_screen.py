"""What a run ends with: it answers the three questions, fits a small terminal, and sounds like sentences."""

import math

import pandas as pd
import pytest

from bnrepro.analysis.findings import COLUMNS
from bnrepro.experiments import OURS, all_claims
from bnrepro.report.judge import judge
from bnrepro.report.last_screen import in_short, of_notebooks, three_answers
from bnrepro.report.questions import FIRST, QUESTIONS
from bnrepro.report.record_verdicts import record_verdicts

LOOK = [notebook for notebook, experiment in OURS.items() if experiment.is_first_look]


def table(n: int = 12, low: float = 6.0, high: float = 9.0, bound: str = "", without: str = "") -> pd.DataFrame:
    """The verdicts on findings that are alike for the claims of all questions."""
    claims = [all_claims()[question.claim] for question in QUESTIONS if question.claim != without]
    rows = [(claim.id, "", (low + high) / 2, low, high, n, claim.unit, bound, 2 * 0.5**n) for claim in claims]
    record = {claim.id: ("supported", 12) for claim in claims}
    found = judge(pd.DataFrame(rows, columns=COLUMNS), claims, all_claims().values(), record)
    return found.assign(experiment=[claim.experiment for claim in claims])


def lines_of(topic: str, text: str) -> list[str]:
    (part,) = [part for part in text.split("\n\n") if part.startswith(topic)]
    return part.splitlines()


def test_the_three_questions_are_of_speed_rates_and_regularization():
    assert [question.topic for question in FIRST] == ["Faster training", "Higher rates", "Regularization"]


def test_each_question_has_its_answer_with_interval_paper_and_record():
    text = three_answers(table(), LOOK)
    asked, answer, facts = lines_of("Faster training", text)
    assert asked == "Faster training: at one rate, does a net with BN reach 97% on MNIST in fewer steps?"
    assert answer == "  Yes: 7.5 times fewer steps."
    assert facts == "  95% interval: 6 to 9 (n = 12); the paper: 2.56; the record: supported (n = 12)."
    assert lines_of("Higher rates", text)[2].endswith("the paper: no number; the record: supported (n = 12).")


def test_what_is_contradicted_is_a_no():
    assert (
        lines_of("Faster training", three_answers(table(low=0.2, high=0.6), LOOK))[1] == "  No: 0.4 times fewer steps."
    )


def test_a_bound_is_said_in_words():
    assert (
        lines_of("Faster training", three_answers(table(bound=">"), LOOK))[1]
        == "  Yes: more than 7.5 times fewer steps."
    )


def test_with_too_few_seeds_it_says_how_many_it_takes_and_what_the_record_says():
    found = table(n=2)
    _, answer, facts = lines_of("Faster training", three_answers(found, LOOK))
    assert answer.startswith("  Undecided: ")
    assert facts.endswith(f"; needs {found['needs'].max()} seeds, has 2; the record says supported (n = 12).")


def test_without_a_number_it_says_so_and_what_it_takes():
    _, answer, facts = lines_of("Higher rates", three_answers(table(n=0, low=math.nan, high=math.nan), LOOK))
    assert answer == "  Undecided: too little was trained here."
    assert facts.startswith("  The paper: no number; needs ")


def test_a_question_whose_notebook_failed_is_told_with_what_the_record_says():
    verdict, n = record_verdicts()["H1"]
    found = lines_of("Higher rates", three_answers(table(without="H1"), LOOK))
    assert found[1] == f"  No answer: its notebook has no results here; the record says {verdict} (n = {n})."


@pytest.mark.parametrize(("columns", "most"), [(80, 14), (60, 20)])
def test_the_answers_fit_a_small_terminal(columns, most):
    for found in (table(), table(n=2), table(bound=">")):
        lines = three_answers(found, LOOK, columns).splitlines()
        assert max(map(len, lines)) <= columns
        assert len(lines) <= most


def test_only_a_whole_first_look_answers_them():
    assert three_answers(table(), LOOK[:-1]) == ""
    assert three_answers(table(), [*OURS]) != ""


def test_other_runs_end_with_their_own_claims_in_short():
    own = of_notebooks(table(), ["06_batch_size", "99_verdicts"])
    first, *rest = in_short(own).splitlines()
    assert first.startswith("B1a  The accuracy of a net with BN falls as the mini-batch shrinks to 2: contradicted, ")
    assert rest == ["", "1 claim on training: 1 contradicted."]


def test_in_short_too_few_seeds_stand_in_place_of_a_verdict():
    assert "shrinks to 2: needs 7 seeds, has 2; the record says" in in_short(
        of_notebooks(table(n=2), ["06_batch_size"])
    )


def test_where_no_experiment_was_run_all_that_has_results_is_told():
    assert len(of_notebooks(table(), ["99_verdicts"])) == len(QUESTIONS)
