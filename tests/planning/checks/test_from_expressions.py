"""A From that names what is not there."""

from __future__ import annotations

from tests.planning.checks.building import CLIENT, TWO, client
from tests.planning.planned import planned


def test_an_unknown_column() -> None:
    found = planned(f"{CLIENT}; {TWO}", client('label: Annotated[str, From("upper(title)")]'))
    message = "customer.label: From('upper(title)'): client has no column title"
    assert found.of("from") == [("block", message, None)]
    assert found.of("unanswered") == []


def test_a_text_in_disguise() -> None:
    found = planned(CLIENT, client("label: Annotated[str, From('name || \"title\"')]"))
    message = 'customer.label: From(\'name || "title"\'): client has no column "title"'
    assert found.of("from") == [("block", message, None)]
