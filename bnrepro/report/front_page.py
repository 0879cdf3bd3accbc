"""The README's table: a question a row, answered by the claim that it asks for. Knows no number."""

from typing import NamedTuple

import pandas as pd

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.experiments import OURS
from bnrepro.report.formatting import NOTHING, in_words

_ANSWERS = {SUPPORTED: "yes", CONTRADICTED: "**no**", INCONCLUSIVE: "undecided"}


class Question(NamedTuple):
    """What somebody asks of batch normalization.

    Attributes:
        text: The question.
        claim: The claim that a yes is.
        measure: What the number of the claim is of; it follows the number and its unit.
    """

    text: str
    claim: str
    measure: str


QUESTIONS = (
    Question(
        text="Does a net with BN reach 97% on MNIST in fewer steps?",
        claim="T1",
        measure="fewer steps",
    ),
    Question(
        text="In fewer steps too where each arm has its own best rate?",
        claim="H5",
        measure="fewer steps",
    ),
    Question(
        text="Does BN permit 5 times the learning rate, in a net of 20 layers?",
        claim="H1",
        measure="as high",
    ),
    Question(
        text="Do the inputs of a sigmoid drift less with BN?",
        claim="T3",
        measure="less drift",
    ),
    Question(
        text="Is a net with BN more accurate at equal training loss?",
        claim="G3",
        measure="of held-out accuracy against without BN",
    ),
    Question(
        text="Is a net with BN as accurate as one with Dropout?",
        claim="G5",
        measure="of test accuracy against Dropout without BN",
    ),
    Question(
        text="Does a net with BN train from more initializations and at more rates?",
        claim="I1",
        measure="as many of them",
    ),
    Question(
        text="Does BN lose accuracy with mini-batches of 2?",
        claim="B1a",
        measure="against mini-batches of 128",
    ),
    Question(
        text="Are the population statistics of Algorithm 2 as good as running averages?",
        claim="P2a",
        measure="more accuracy, late in training",
    ),
)
"""The paper's findings first, then what others say."""


def answers(verdicts: pd.DataFrame) -> str:
    """The questions with their answers in Markdown; one whose notebook has no results is left out."""
    words = {row.claim: row for row in in_words(verdicts).itertuples()}
    notebooks = {claim.id: notebook for notebook, experiment in OURS.items() for claim in experiment.own_claims}
    lines = [_line(question, words[question.claim], notebooks) for question in QUESTIONS if question.claim in words]
    return "\n".join(["| | Ours, with its interval | The paper | |", "|---|---|---|---|", *lines]) if lines else NOTHING


def _line(question: Question, words, notebooks: dict[str, str]) -> str:
    answer = f"{_ANSWERS[words.verdict]}: {words.ours} {question.measure} ({words.interval}; n = {words.n})"
    notebook = notebooks[question.claim]
    return f"| {question.text} | {answer} | {words.paper} | [{notebook[:2]}](notebooks/{notebook}.ipynb), {question.claim} |"
