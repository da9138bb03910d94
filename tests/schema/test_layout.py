from __future__ import annotations

import ast

from hypothesis import example, given
from hypothesis import strategies as st

from hotmig.catalog.lexer import normalise
from hotmig.schema.layout import Keyword, Sql, Statement, Text, call, lay_out, listed, quoted, subscript

LETTERS = st.sampled_from(["a", '"', "'", "\\", "\n", "\r", "\t", " ", "😀", "é", "\x85", "\u202e", "\ufeff", "\u2028"])
TEXTS = st.text(LETTERS | st.characters(codec="utf-8", exclude_characters="\0"), max_size=400)


def test_what_fits_stands_in_one_line() -> None:
    source = subscript("Annotated", "int", call("Check", Sql("a  >\n 0")), "Key")
    assert lay_out(source, "    a: ", " = 1") == '    a: Annotated[int, Check("a > 0"), Key] = 1'


def test_else_each_element_has_a_line_and_a_comma() -> None:
    source = call("Index", *(Text("x" * 30) for _ in range(4)), Keyword("unique", "True"))
    assert lay_out(listed([source]), "a = ") == "\n".join(
        ["a = [", "    Index(", *[f'        "{"x" * 30}",'] * 4, "        unique=True,", "    ),", "]"]
    )


def test_long_sql_is_broken_between_its_tokens() -> None:
    lines = lay_out(call("Check", Sql(" AND ".join(["price_cents >= 0"] * 12)))).split("\n")
    assert lines[0].startswith('Check("""price_cents >= 0 AND ')
    assert lines[1].startswith("    ")
    assert all(len(line) <= 120 for line in lines)


def test_a_statement_keeps_its_lines_but_not_the_spaces_at_their_ends() -> None:
    assert lay_out(call("sql", Statement("SELECT\t1,  \r\n  'x \n y' -- z \n"))) == (
        'sql("""SELECT 1,\n  \'x\\x20\n y\' -- z\\x20\n""")'
    )


@given(TEXTS)
@example(" " * 200)
def test_a_text_is_itself_again(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    source = lay_out(call("f", Text(text)), indent="    ")
    assert ast.literal_eval(source.strip()[2:-1]) == text
    assert all(len(line) <= 120 for line in source.split("\n"))


@given(TEXTS)
def test_nothing_moves_in_a_verbatim_statement(text: str) -> None:
    assert ast.literal_eval(lay_out(call("f", Statement(text, verbatim=True)))[2:-1]) == text


@given(
    st.lists(
        st.sampled_from(["a", "'it''s\n'", '"""', "||", "  ", "\t", "\r\n", "'" + "z" * 150 + "'", "AND"]), max_size=60
    )
)
def test_sql_means_the_same_in_whatever_lines(tokens: list[str]) -> None:
    sql = "x " + " ".join(tokens).replace('"""', '"q"')
    for source in (Sql(sql), Statement(sql)):
        laid_out = lay_out(call("f", source))
        assert normalise(ast.literal_eval(laid_out[2:-1])) == normalise(sql)
        assert all(len(line) <= 120 for line in laid_out.split("\n"))
