"""The report's HTML page, from what is judged and drawn already: one file that loads nothing. Knows no path and no run."""

import base64
import hashlib
import importlib.resources
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
import pandas as pd

from bnrepro.analysis.claims import FEWEST
from bnrepro.experiments.control import Control
from bnrepro.report.answers import Answer
from bnrepro.report.explorations import Exploration, outlined
from bnrepro.report.formatting import MARKS, counted, in_words
from bnrepro.report.sheets import Sheet


@dataclass(frozen=True)
class Part:
    """One experiment, as the page shows it.

    Attributes:
        notebook: The notebook's name without ending; the part's anchor too.
        title: The experiment's.
        verdicts: The experiment's claims with their verdicts, as `verdicts.judged` gives them.
        sheets: Its figures, each with its name and its caption.
        cost: The command that makes its runs, the time that these took, and on what.
        exploration: What its notebook's widget shows of these results, where it has one.
    """

    notebook: str
    title: str
    verdicts: pd.DataFrame
    sheets: Sequence[Sheet]
    cost: str = ""
    exploration: Exploration | None = None


def render_page(parts: Sequence[Part], answers: Sequence[tuple[Answer, Sheet | None]] = (), **rest) -> str:
    """The page as text.

    Args:
        parts: Its experiments.
        answers: What a first look answers, each with the panel that shows it.
        rest: Goes to the template as it is.
    """
    files = importlib.resources.files("bnrepro.report")
    template, script = ((files / f"report.{ending}").read_text(encoding="utf-8") for ending in ("html.j2", "js"))
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    table = (
        pd.concat([part.verdicts for part in parts]) if parts else pd.DataFrame(columns=["claim", "kind", "verdict"])
    )
    training, checks = table[table["kind"] != "check"], table[table["kind"] == "check"]
    return page.from_string(template).render(
        answers=[{"answer": answer, "sheet": sheet and _sheet("first", sheet)} for answer, sheet in answers],
        experiments=[_experiment(part) for part in parts],
        summary=counted(table),
        tally={verdict: training.loc[training["verdict"] == verdict, "claim"].tolist() for verdict in MARKS},
        checks=checks[["claim", "verdict"]].to_dict("records"),
        marks=MARKS,
        fewest=FEWEST,
        script=script,
        allowed=f"sha256-{allowed}",
        **rest,
    )


def _experiment(part: Part) -> dict:
    words = in_words(part.verdicts)
    return {
        "notebook": part.notebook,
        "title": part.title,
        "cost": part.cost,
        "sections": sections(set(words["section"])),
        "claims": words.to_dict("records"),
        "sheets": [_sheet(part.notebook, sheet) for sheet in part.sheets],
        "exploration": part.exploration and _exploration(part.exploration),
    }


def _sheet(notebook: str, sheet: Sheet) -> dict:
    image = _image(outlined(sheet.figure))
    return {"anchor": f"{notebook}-{sheet.name}", "image": image, "caption": panels(sheet.caption)}


def _exploration(exploration: Exploration) -> dict:
    return {
        "image": _image(exploration.still),
        "packed": exploration.packed,
        "choices": math.prod(len(control.values) for control in exploration.controls),
        "sliders": [_slider(control) for control in exploration.controls if len(control.values) > 1],
    }


def _slider(control: Control) -> dict:
    values = [value if isinstance(value, str) else f"{value:g}" for value in control.values]
    return {"label": control.label, "values": values, "start": control.values.index(control.start)}


def _image(picture: str) -> str:
    return base64.b64encode(picture.encode()).decode()


def sections(names: set[str]) -> str:
    """As "section 4.1", or "sections 2, 3 and 3.1"."""
    *others, last = sorted(
        names, key=lambda name: [int(number) if number.isdecimal() else 0 for number in name.split(".")]
    )
    return f"sections {', '.join(others)} and {last}" if others else f"section {last}"


def panels(caption: str) -> list[tuple[str, str]]:
    """A caption in parts, the letters of panels apart from what is said of them, as `("(a, b)", " The 15th …")`."""
    first, *rest = re.split(r"(?:^|(?<=\. ))(\([a-z](?:, [a-z])*\))", caption)
    return [("", first), *zip(rest[::2], rest[1::2])]
