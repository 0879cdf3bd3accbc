"""The paper's three questions with their answers in words, for a terminal and a page. Knows neither."""

from dataclasses import dataclass

import pandas as pd

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.report.formatting import NONE, in_words
from bnrepro.report.questions import FIRST, Question
from bnrepro.report.record_verdicts import record_verdicts

_WORDS = {SUPPORTED: "Yes", CONTRADICTED: "No", INCONCLUSIVE: "Undecided"}

_SAID = {"> ": "more than ", "< ": "less than ", "~ ": "perhaps "}


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        question: What is asked.
        said: The answer with our number, a sentence.
        facts: Our interval, the paper's number, what the record says or how many seeds it takes, a sentence; empty where there is
            no result.
    """

    question: Question
    said: str
    facts: str = ""


def first_answers(verdicts: pd.DataFrame) -> list[Answer]:
    """The three questions of a first look, answered by verdicts as `judge` gives them."""
    words = {row["claim"]: row for row in in_words(verdicts).to_dict("records")}
    return [_answer(question, words.get(question.claim)) for question in FIRST]


def _answer(question: Question, words: dict | None) -> Answer:
    if words is None:
        verdict, n = record_verdicts().get(question.claim, ("nothing", 0))
        return Answer(question, f"No answer: its notebook has no results here; the record says {verdict} (n = {n}).")
    answer = f"{_WORDS[words['verdict']]}: {said(words['ours'])} {question.measure}."
    interval = f"95% interval: {said(words['interval'])} (n = {words['n']})"
    if words["ours"] == NONE:
        answer, interval = "Undecided: too little was trained here.", ""
    paper = f"the paper: {'no number' if words['paper'] == NONE else words['paper']}"
    record = f"the record: {words['record']}" if words["record"] else ""
    facts = "; ".join(filter(None, (interval, paper, words["lacks"] or record)))
    return Answer(question, answer, f"{facts[:1].upper()}{facts[1:]}.")


def said(number: str) -> str:
    """A number as it is read aloud."""
    sign = number[:2]
    return f"{_SAID[sign]}{number[2:]}" if sign in _SAID else number
