from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hotmig.catalog.model import Column, ForeignKey, Table
from hotmig.planning.order import parents_first

NAMES = "abcdefg"


def table(name: str, *parents: str) -> Table:
    return Table(name, (Column("x"),), foreign_keys=tuple(ForeignKey(("x",), parent, ("x",)) for parent in parents))


def order(*tables: Table) -> str:
    return "".join(each.name for each in parents_first(tables))


def test_parents_come_before_children_and_names_decide_the_rest() -> None:
    assert order(table("a", "c"), table("b"), table("c", "d"), table("d")) == "bdca"


def test_a_self_reference_is_no_parent() -> None:
    assert order(table("b", "B"), table("a", "b")) == "ba"


def test_a_parent_that_does_not_exist_is_none() -> None:
    assert order(table("a", "nowhere")) == "a"


def test_what_hangs_on_a_cycle_comes_after_it() -> None:
    assert order(table("a", "y"), table("x", "y"), table("y", "z"), table("z", "x")) == "xzya"


@given(st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES)), min_size=1), st.randoms())
def test_the_order_of_declarations_does_not_count(graph: dict[str, frozenset[str]], random: object) -> None:
    tables = [table(name, *sorted(parents)) for name, parents in graph.items()]
    shuffled = sorted(tables, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert parents_first(shuffled) == parents_first(tables)


@given(st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES)), min_size=1))
def test_a_table_waits_for_every_parent_outside_its_own_cycle(graph: dict[str, frozenset[str]]) -> None:
    placed = {each.name: at for at, each in enumerate(parents_first([table(n, *p) for n, p in graph.items()]))}
    for name in graph:
        for parent in graph[name] & graph.keys():
            if name not in reachable(graph, parent):
                assert placed[parent] < placed[name]


def reachable(graph: dict[str, frozenset[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        for parent in graph[ahead.pop()] & graph.keys():
            if parent not in found:
                found.add(parent)
                ahead.append(parent)
    return found
