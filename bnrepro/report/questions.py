"""What somebody asks of batch normalization, and which claim answers it, in the README and at the end of a run."""

from typing import NamedTuple

from bnrepro.experiments import OURS


class Question(NamedTuple):
    """What somebody asks of batch normalization.

    Attributes:
        text: The question.
        claim: The claim that a yes is.
        measure: What the number of the claim is of; it follows the number and its unit.
        topic: Of the three that a first look answers, what it is about.
        panel: Of those, the panel of the claim's notebook that shows the answer.
    """

    text: str
    claim: str
    measure: str
    topic: str = ""
    panel: str = ""


QUESTIONS = (
    Question(
        text="At one rate, is a net with BN sooner at 97% on MNIST?",
        claim="T1",
        measure="fewer steps",
        topic="Faster training",
        panel="accuracy",
    ),
    Question(
        text="Each at its best rate, is a net of 3 layers faster with BN?",
        claim="H5",
        measure="fewer steps",
    ),
    Question(
        text="Each at its best rate, is a net of 20 layers with momentum faster with BN?",
        claim="H12",
        measure="fewer steps",
    ),
    Question(
        text="At the paper's low rates, is Inception faster with BN and all its changes?",
        claim="L17",
        measure="fewer steps",
    ),
    Question(
        text="Does BN permit 5 times the rate, in a net of 20 layers?",
        claim="H1",
        measure="as high",
        topic="Higher rates",
        panel="ratios",
    ),
    Question(
        text="Do the inputs of a sigmoid drift less with BN?",
        claim="T3",
        measure="less drift",
    ),
    Question(
        text="Is a dense net with BN more accurate at equal training loss?",
        claim="G3",
        measure="in held-out accuracy",
        topic="Regularization",
        panel="dose",
    ),
    Question(
        text="On 1,000 examples, is a small Inception as accurate with BN as with Dropout?",
        claim="D13",
        measure="of test accuracy",
    ),
    Question(
        text="Do six dense nets with BN together err as much less as in the paper?",
        claim="R14",
        measure="of the error removed",
    ),
    Question(
        text="Does BN train from more initializations and at more rates?",
        claim="I1",
        measure="as many of them",
    ),
    Question(
        text="Does BN lose accuracy with mini-batches of 2?",
        claim="B1a",
        measure="against those of 128",
    ),
)
"""The paper's findings first, then what others say."""

FIRST = tuple(question for question in QUESTIONS if question.topic)
"""Does it train faster, does it permit higher rates, does it regularize?"""


def notebook_of(question: Question) -> str:
    """The notebook that has the claim which answers a question."""
    return next(
        name for name, experiment in OURS.items() if question.claim in {each.id for each in experiment.own_claims}
    )
