"""Hints that have done their work."""

from __future__ import annotations

from hotmig.planning.model import Hint
from tests.planning.checks.building import CLIENT, client
from tests.planning.planned import planned


def test_a_used_hint_is_noted() -> None:
    module = client('label: Annotated[str | None, Was("nickname")]')
    used = frozenset({Hint("was", "customer", "", "client")})
    found = planned(CLIENT.replace("client", "customer"), module, used=used)
    message = 'customer: was="client" has done its work in the old database and is not applied again'
    assert found.of("used-hint") == [("note", message, None)]
