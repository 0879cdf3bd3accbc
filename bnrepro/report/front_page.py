"""The README's table: a question a row, answered by the claim that it asks for. Knows no number."""

import pandas as pd

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.report.formatting import NOTHING, in_words
from bnrepro.report.questions import QUESTIONS, Question, notebook_of

_ANSWERS = {SUPPORTED: "yes", CONTRADICTED: "**no**", INCONCLUSIVE: "undecided"}


def answers(verdicts: pd.DataFrame) -> str:
    """The questions with their answers in Markdown; one whose notebook has no results is left out."""
    words = {row.claim: row for row in in_words(verdicts).itertuples()}
    lines = [_line(question, words[question.claim]) for question in QUESTIONS if question.claim in words]
    return "\n".join(["| | Ours, with its interval | The paper | |", "|---|---|---|---|", *lines]) if lines else NOTHING


def _line(question: Question, words) -> str:
    answer = f"{_ANSWERS[words.verdict]}: {words.ours} {question.measure} ({words.interval}; n = {words.n})"
    notebook = notebook_of(question)
    return f"| {question.text} | {answer} | {words.paper} | [{notebook[:2]}](notebooks/{notebook}.ipynb), {question.claim} |"
