"""What a run ends with: the paper's three questions and their answers, or the claims of a few notebooks in short."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.experiments import EXPERIMENTS, OURS
from bnrepro.report.answers import Answer, first_answers
from bnrepro.report.formatting import NOTHING, broken, counted, in_words


def of_notebooks(verdicts: pd.DataFrame, notebooks: Iterable[str]) -> pd.DataFrame:
    """The verdicts of some notebooks; all where none of these is an experiment's."""
    names = {EXPERIMENTS[notebook].name for notebook in notebooks if notebook in EXPERIMENTS}
    return verdicts[verdicts["experiment"].isin(names)] if names else verdicts


def three_answers(verdicts: pd.DataFrame, notebooks: Iterable[str], columns: int | None = None) -> str:
    """The three questions, each with its answer, our number with its interval, the paper's, and what the record says.

    Args:
        verdicts: As `judge` gives them.
        notebooks: Those that were run; the text is empty where one of a first look is missing.
        columns: Of the terminal, in which lines are broken; None breaks none.
    """
    if not {notebook for notebook, experiment in OURS.items() if experiment.is_first_look} <= set(notebooks):
        return ""
    return "\n\n".join("\n".join(_lines(answer, columns)) for answer in first_answers(verdicts))


def in_short(verdicts: pd.DataFrame, columns: int | None = None) -> str:
    """Each claim with its verdict and its number, and how many there are."""
    if verdicts.empty:
        return NOTHING
    lines = [line for row in in_words(verdicts).to_dict("records") for line in broken(_short(row), columns, 2)]
    return "\n".join([*lines, "", *broken(f"{counted(verdicts)}.", columns, 0)])


def _lines(answer: Answer, columns: int | None) -> list[str]:
    question = answer.question
    asked = f"{question.topic}: {question.text[0].lower()}{question.text[1:]}"
    told = [f"  {sentence}" for sentence in (answer.said, answer.facts) if sentence]
    return [line for text in (asked, *told) for line in broken(text, columns, 2)]


def _short(words: dict) -> str:
    """A claim in a line."""
    verdict = words["lacks"] or f"{words['verdict']}, {words['ours']} ({words['interval']}; n = {words['n']})"
    return f"{words['claim']}  {words['sentence']}: {verdict}"
