"""`data/claims.csv`, every rule with the date on which it was written: a rule that changes without a trace is seen."""

import hashlib
import io
import re
from collections.abc import Iterable

import pandas as pd
import pytest

from bnrepro.analysis.claims import Claim, Rule, claim
from bnrepro.experiments import all_claims
from bnrepro.records.workspace import CHECKOUT, DATA

LIST = (DATA / "claims.csv").read_text()
CHANGELOG = (CHECKOUT / "CHANGELOG.md").read_text()

FIRST = 60
"""Rows of the list as it was first committed; later ones stand below them."""

DIGEST = "b966b1a53f8b98f56cd7685290fd58616d5359dc1c0e7ac9df7769ebd195b5e6"
"""Of the head of the list and those rows."""

WITHDRAWN = "withdrawn"


def first_block(text: str) -> str:
    lines = text.splitlines(keepends=True)[: FIRST + 1]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def faults(claims: Iterable[Claim], listing: str, changelog: str) -> list[str]:
    """Where the list, the claims and the changelog do not agree.

    The last row of a claim is what it is now; a row above it is what it was. Each row that is not a claim's first has an entry
    in the changelog that names its date and the claim.
    """
    rows = pd.read_csv(io.StringIO(listing), dtype=str, keep_default_na=False)
    entries = re.split(r"^(?=- |#)", changelog, flags=re.MULTILINE)
    now = {one.id: one for one in claims}
    found = [f"{name} is not in the list: append a row for it" for name in now if name not in set(rows["claim"])]
    for name, own in rows.groupby("claim", sort=False):
        last, dates = own.iloc[-1], own["dated"].tolist()
        if name not in now:
            found += [f"{name} is no claim any more: append a row, {WITHDRAWN}"] if last["side"] != WITHDRAWN else []
        elif not same(last, now[name]):
            found.append(f"{name} is {now[name].kind}, {now[name].rule}: its last row says otherwise, append one")
        if dates != sorted(dates) or not all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates):
            found.append(f"{name} has dates that are none, or not in their order: {', '.join(dates)}")
        for date in dates[1:]:
            if not any(date in entry and re.search(rf"\b{name}\b", entry) for entry in entries):
                found.append(f"{name} changed on {date}: the changelog has no entry with that date and {name}")
    return found


def same(row: pd.Series, one: Claim) -> bool:
    numbers = [float(row[name]) if row[name] else float("nan") for name in ("threshold", "margin")]
    return (Rule(row["side"], *numbers), row["kind"]) == (one.rule, one.kind)


def made(id: str, rule: Rule, kind: str = "secondary") -> Claim:
    words = dict(section="4.1", sentence="A net trains", statistic="steps", unit="times")
    return claim(id=id, kind=kind, rule=rule, **words)(lambda tables: [])


HEAD = "claim,dated,side,threshold,margin,kind\n"
ONE = HEAD + "Z1,2026-01-02,above,1.0,0.0,secondary\n"
CHANGED = ONE + "Z1,2026-02-03,above,2.0,0.0,secondary\n"
ENTRY = "## 0.1\n\n- Of 2026-02-03: the rule\n  of Z1 is 2, not 1.\n- Another thing.\n"
NOW = made("Z1", Rule("above", 1.0))
LATER = made("Z1", Rule("above", 2.0))


def test_the_claims_the_list_and_the_changelog_agree():
    assert faults(all_claims().values(), LIST, CHANGELOG) == []


def test_what_was_first_committed_stands_as_it_was():
    assert first_block(LIST) == DIGEST, "rows are appended to data/claims.csv, never changed"


@pytest.mark.parametrize(
    ("old", "new"), [("below,1e-30", "below,1e-20"), ("T1,2026-11-23", "T1,2026-11-22"), ("C2,2026-11-23,below", "")]
)
def test_a_row_of_the_first_block_that_is_changed_is_seen(old, new):
    assert old in LIST and first_block(LIST.replace(old, new, 1)) != DIGEST


def test_a_row_of_the_first_block_that_is_missing_is_seen_and_one_that_is_appended_changes_nothing():
    lines = LIST.splitlines(keepends=True)
    assert first_block("".join(lines[:FIRST])) != DIGEST
    assert first_block("".join([*lines, "Z1,2026-12-01,above,1.0,0.0,secondary\n"])) == DIGEST


def test_a_claim_with_its_row_has_no_fault():
    assert faults([NOW], ONE, "") == []


def test_a_claim_that_is_not_in_the_list_is_a_fault():
    (fault,) = faults([NOW, made("Z2", Rule("below", 0.0))], ONE, "")
    assert fault.startswith("Z2 is not in the list")


@pytest.mark.parametrize(
    "other",
    [
        made("Z1", Rule("above", 2.0)),
        made("Z1", Rule("below", 1.0)),
        made("Z1", Rule("above", 1.0, 0.1)),
        made("Z1", Rule("above", 1.0), "primary"),
    ],
)
def test_another_side_threshold_margin_or_kind_than_that_of_its_last_row_is_a_fault(other):
    (fault,) = faults([other], ONE, "")
    assert fault.startswith(f"Z1 is {other.kind}, {other.rule}: its last row says otherwise")


def test_a_rule_may_change_with_a_row_and_a_dated_entry_and_not_back_again_without():
    assert faults([LATER], CHANGED, ENTRY) == []
    (fault,) = faults([NOW], CHANGED, ENTRY)
    assert "its last row says otherwise" in fault


@pytest.mark.parametrize(
    "changelog",
    ["", ENTRY.replace("2026-02-03", "2026-02-04"), ENTRY.replace("Z1", "Z10"), ENTRY.replace("\n  of", "\n- Of")],
)
def test_a_later_row_without_an_entry_that_names_its_date_and_the_claim_is_a_fault(changelog):
    (fault,) = faults([LATER], CHANGED, changelog)
    assert fault == "Z1 changed on 2026-02-03: the changelog has no entry with that date and Z1"


def test_a_later_row_with_an_earlier_date_or_none_is_a_fault():
    for date in ("2026-01-01", "soon"):
        (fault,) = faults([LATER], CHANGED.replace("2026-02-03", date), ENTRY.replace("2026-02-03", date))
        assert fault.startswith("Z1 has dates that are none, or not in their order")


def test_a_claim_that_is_gone_is_a_fault_unless_it_was_withdrawn():
    (fault,) = faults([], ONE, "")
    assert fault == "Z1 is no claim any more: append a row, withdrawn"
    withdrawn = ONE + "Z1,2026-02-03,withdrawn,,,secondary\n"
    assert faults([], withdrawn, ENTRY) == []
    assert len(faults([NOW], withdrawn, ENTRY)) == 1
