"""What a run ends with: the paper's three questions and their answers, or the claims of a few notebooks in short."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.experiments import EXPERIMENTS, OURS
from bnrepro.report.formatting import NONE, NOTHING, broken, counted, in_words
from bnrepro.report.questions import FIRST, Question
from bnrepro.report.record_verdicts import record_verdicts

_ANSWERS = {SUPPORTED: "Yes", CONTRADICTED: "No", INCONCLUSIVE: "Undecided"}

_SAID = {"> ": "more than ", "< ": "less than ", "~ ": "perhaps "}


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
    words = {row["claim"]: row for row in _rows(verdicts)}
    parts = [_answer(question, words.get(question.claim)) for question in FIRST]
    return "\n\n".join("\n".join(line for text in part for line in broken(text, columns, 2)) for part in parts)


def in_short(verdicts: pd.DataFrame, columns: int | None = None) -> str:
    """Each claim with its verdict and its number, and how many there are."""
    if verdicts.empty:
        return NOTHING
    lines = [line for row in _rows(verdicts) for line in broken(_short(row), columns, 2)]
    return "\n".join([*lines, "", *broken(f"{counted(verdicts)}.", columns, 0)])


def _rows(verdicts: pd.DataFrame) -> list[dict]:
    """The verdicts in words, and what the record says."""
    kept = verdicts[["record", "record_n"]].to_dict("records")
    return [{**words, **record} for words, record in zip(in_words(verdicts).to_dict("records"), kept)]


def _answer(question: Question, words: dict | None) -> list[str]:
    """The lines of one question."""
    asked = f"{question.topic}: {question.text[0].lower()}{question.text[1:]}"
    if words is None:
        verdict, n = record_verdicts().get(question.claim, ("nothing", 0))
        return [asked, f"  No answer: its notebook has no results here; the record says {verdict} (n = {n})."]
    answer = f"{_ANSWERS[words['verdict']]}: {_said(words['ours'])} {question.measure}."
    interval = f"95% interval: {_said(words['interval'])} (n = {words['n']})"
    if words["ours"] == NONE:
        answer, interval = "Undecided: too little was trained here.", ""
    paper = f"the paper: {'no number' if words['paper'] == NONE else words['paper']}"
    record = f"the record: {words['record']} (n = {words['record_n']})" if words["record"] else ""
    facts = "; ".join(filter(None, (interval, paper, words["lacks"] or record)))
    return [asked, f"  {answer}", f"  {_capital(facts)}."]


def _short(words: dict) -> str:
    """A claim in a line."""
    verdict = words["lacks"] or f"{words['verdict']}, {words['ours']} ({words['interval']}; n = {words['n']})"
    return f"{words['claim']}  {words['sentence']}: {verdict}"


def _said(number: str) -> str:
    """A number as it is read aloud."""
    sign = number[:2]
    return f"{_SAID[sign]}{number[2:]}" if sign in _SAID else number


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
