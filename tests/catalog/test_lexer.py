from __future__ import annotations

import sqlite3

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hotmig.catalog.lexer import has_comments, identifiers, normalise, tokens, without_comments
from hotmig.errors import HotmigError
from hotmig.sqlite import quote, text


def kinds(sql: str) -> list[tuple[str, str]]:
    return [(token.kind, token.value) for token in tokens(sql)]


def test_every_kind_of_token() -> None:
    assert kinds("""SELECT "a""b", [c d], `e``f`, 'g''h', x'0aFF', 1.5e-3, .5, 0xFF, ?1, :n, @v, $w ->> '$.x'""") == [
        ("word", "SELECT"),
        ("quoted", 'a"b'),
        ("operator", ","),
        ("quoted", "c d"),
        ("operator", ","),
        ("quoted", "e`f"),
        ("operator", ","),
        ("string", "g'h"),
        ("operator", ","),
        ("blob", "x'0aFF'"),
        ("operator", ","),
        ("number", "1.5e-3"),
        ("operator", ","),
        ("number", ".5"),
        ("operator", ","),
        ("number", "0xFF"),
        ("operator", ","),
        ("variable", "?1"),
        ("operator", ","),
        ("variable", ":n"),
        ("operator", ","),
        ("variable", "@v"),
        ("operator", ","),
        ("variable", "$w"),
        ("operator", "->>"),
        ("string", "$.x"),
    ]


@pytest.mark.parametrize("operator", "|| << >> <= >= <> != == -> ->> - + * / % = < > , ; ( ) . & | ~".split())  # noqa: SIM905
def test_operators_are_taken_whole(operator: str) -> None:
    assert kinds(f"a{operator}b") == [("word", "a"), ("operator", operator), ("word", "b")]


def test_a_token_knows_where_it_stands() -> None:
    sql = "a /* b */ + 'c d'"
    assert [sql[token.start : token.end] for token in tokens(sql)] == ["a", "+", "'c d'"]
    assert [token.text for token in tokens(sql)] == ["a", "+", "'c d'"]


def test_comments_are_no_tokens_but_quotes_hide_them() -> None:
    assert kinds("a -- b\n /* c ' */ d") == [("word", "a"), ("word", "d")]
    assert kinds("""'-- a' "/* b */" [--c]""") == [("string", "-- a"), ("quoted", "/* b */"), ("quoted", "--c")]
    assert has_comments("a -- b")
    assert has_comments("a /**/ b")
    assert not has_comments("'-- a' - - b / * c")


def test_without_comments_can_stand_in_one_line() -> None:
    assert without_comments("a > 1 -- why\n AND b /* c */ = 'd -- e' -- last") == "a > 1  \n AND b   = 'd -- e'"


@pytest.mark.parametrize("name", ["é", "日本", "😀", "_a$1", "a\ufeffb", "xa", "X"])
def test_names_beyond_ascii_are_bare_words_as_for_sqlite(name: str) -> None:
    assert kinds(name) == [("word", name)]
    sqlite3.connect(":memory:").execute(f"CREATE TABLE {name}(a)")


@pytest.mark.parametrize(
    "sql", ["'a", '"a', "`a", "[a", "a /* b", "x'0", "x'0g'", "x'0'", "12ab", "0x", "a ! b", "a { b", "a \\ b", "a ^ b"]
)
def test_what_sqlite_would_not_take_is_an_error(sql: str) -> None:
    with pytest.raises(HotmigError, match="cannot read SQL"):
        tokens(sql)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("select A from T where x is not null", "SELECT A\n  FROM T -- c\n WHERE x IS NOT NULL;"),
        ("lower(a) || LENGTH(b)", "LOWER ( a )||length(b)"),
        ("a COLLATE nocase", "a collate NoCase"),
        ("[total] > 0", "total>0"),
        ("`order` = 1", "[order] = 1"),
        ("[true] = 1", "`true` = 1"),
        ("x = X'ab'", "x = x'AB'"),
        ("a > 1E5 AND b < 0XfF", "a > 1e5 and b < 0xff"),
        ("a IS TRUE", "a is true"),
        ('SELECT "t"."a" FROM t', "SELECT t.a FROM t"),
        ('INSERT INTO "log"(a) VALUES (1)', "insert into log ( a ) values (1)"),
    ],
)
def test_spellings_of_one_thing_have_one_text(a: str, b: str) -> None:
    assert normalise(a) == normalise(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ('a = "b"', "a = b"),
        ("a = 'b'", "a = b"),
        ("a = 'b'", 'a = "b"'),
        ("a = 'B'", "a = 'b'"),
        ("a = ' b'", "a = 'b'"),
        ("SELECT a AS Total", "SELECT a AS total"),
        ("a - - b", "a -- b"),
        ("[true] = 1", "true = 1"),
        ("[current_date]", "current_date"),
        ("[a b]", "a b"),
        ("a || b", "a | b"),
        ("1 0", "10"),
        ("1.0", "1"),
        ("x'ab'", "'ab'"),
        ('x IS DISTINCT FROM "y"', "x IS DISTINCT FROM y"),
    ],
)
def test_different_things_keep_different_texts(a: str, b: str) -> None:
    assert normalise(a) != normalise(b)


def test_columns_settle_what_a_double_quoted_word_is() -> None:
    assert normalise('"Total" > "limit"', ["total"]) == normalise('total > "limit"', ["total"])
    assert normalise("TOTAL > 0", ["Total"]) == "Total > 0"
    assert normalise('"other" > 0', ["total"]) == '"other" > 0'
    assert normalise('"order" > 0', ["order"]) == "`order` > 0"


def test_identifiers_are_names_however_they_are_quoted() -> None:
    assert identifiers("create view 'v' as select 1", 4) == "CREATE VIEW v AS"
    assert identifiers('CREATE VIEW "v w"(`a`) AS', 7) == "CREATE VIEW `v w` ( a ) AS"


WORDS = st.text(min_size=0, max_size=8).filter(lambda word: "\0" not in word and word.isprintable())


@given(WORDS)
@example("a\"b'c`d]e")
def test_quoting_is_undone(name: str) -> None:
    assert kinds(quote(name)) == [("quoted", name)]
    assert kinds(text(name)) == [("string", name)]


PIECES = st.sampled_from(
    ["select", "a", "B", '"c d"', "[e]", "`f`", "'g'", "x'0A'", "1", "2.5e3", "(", ")", ",", "||", "<=", "-", "->", "."]
)
LAYOUT = st.sampled_from([" ", "\n", "\t ", " /* c */ ", " -- d\n"])


@given(st.lists(st.tuples(PIECES, LAYOUT), min_size=1, max_size=20))
def test_layout_comments_and_keyword_case_are_not_in_the_canonical_text(pieces: list[tuple[str, str]]) -> None:
    plain = " ".join(piece for piece, _ in pieces)
    dressed = "".join((piece.upper() if piece == "select" else piece) + layout for piece, layout in pieces)
    assert normalise(dressed) == normalise(plain)


@given(st.lists(PIECES, min_size=1, max_size=12))
def test_the_canonical_text_is_its_own_canonical_text(pieces: list[str]) -> None:
    once = normalise(" ".join(pieces))
    assert normalise(once) == once
