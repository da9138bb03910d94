"""A Was that names what is not there."""

from __future__ import annotations

from tests.planning.checks.building import CLIENT, client
from tests.planning.planned import planned


def test_a_table_that_is_not_there() -> None:
    message = 'customer says was="klient", and the old database has no table klient'
    found = planned("CREATE TABLE x(id INTEGER PRIMARY KEY)", client(table="@table(was='klient')"))
    assert found.of("was") == [("block", message, None)]


def test_a_column_that_is_not_there() -> None:
    message = 'customer.label says Was("nick"), and client has no column nick'
    found = planned(CLIENT, client('label: Annotated[str | None, Was("nick")]'))
    assert found.of("was") == [("block", message, None)]


def test_two_tables_cannot_both_come_from_one() -> None:
    module = client() + client().replace("Customer", "Buyer")
    message = "buyer and customer both say was='client': the rows of one table go to one table"
    assert planned(CLIENT, module).of("was") == [("block", message, None)]
