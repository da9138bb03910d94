from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotmig.schema.names import TAKEN, Names, class_names, field_names, reference_names, view_names


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("customers", "Customer"),
        ("Customer", "Customer"),
        ("order_lines", "OrderLine"),
        ("PlaylistTrack", "PlaylistTrack"),
        ("categories", "Category"),
        ("movies", "Movie"),
        ("addresses", "Address"),
        ("boxes", "Box"),
        ("houses", "House"),
        ("status", "Status"),
        ("statuses", "Status"),
        ("news", "News"),
        ("people", "Person"),
        ("gas", "Gas"),
        ("TBL_USERS", "TblUser"),
        ("auth-user groups", "AuthUserGroup"),
        ("2fa", "Table2fa"),
        ("", "Table"),
        ("😀", "Table"),
    ],
)
def test_a_class_is_one_row(table: str, name: str) -> None:
    assert class_names(table)[0] == name


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("id", "id"),
        ("CustomerId", "customer_id"),
        ("CustomerID", "customer_id"),
        ("unit price (net)", "unit_price_net"),
        ("HTTPStatus", "http_status"),
        ("_rev", "_rev"),
        ("__init__", "init"),
        ("1", "column_1"),
        ("", "column"),
        ("Straße", "straße"),
        ("ﬁx", "fix"),
        ("x" * 200, "x" * 50),
    ],
)
def test_a_field_is_in_snake_case(column: str, name: str) -> None:
    assert field_names(column) == (name,)


def test_a_reference_is_named_after_what_it_refers_to() -> None:
    assert reference_names("SupportRepId", "Employee") == ("support_rep", "support_rep_id")
    assert reference_names("id", "UserAccount") == ("user_account", "id")


def test_each_name_is_given_once_and_none_hides_what_the_module_needs() -> None:
    names = Names("Row", taken=["Missing"])
    assert [names.take("Order", "Orders") for _ in range(4)] == ["Order", "Orders", "Order2", "Order3"]
    assert [names.take("Key") for _ in range(2)] == ["KeyRow", "KeyRow2"]
    assert names.take("None") == "NoneRow"
    assert names.take("Missing") == "Missing2"
    assert [names.take("A1") for _ in range(2)] == ["A1", "A1_2"]
    assert Names("_").take("class") == "class_"


@given(st.text(max_size=80))
def test_whatever_the_name_python_takes_it(name: str) -> None:
    fields, classes = Names("_"), Names("Row")
    for _ in range(2):
        for taken in (
            fields.take(*field_names(name)),
            classes.take(*class_names(name)),
            classes.take(*view_names(name)),
        ):
            assert taken.isidentifier()
            assert not keyword.iskeyword(taken)
            assert not taken.startswith("__")
            assert taken not in TAKEN
            assert len(taken) < 70
            compile(f"{taken} = 1", "<name>", "exec")
