"""Questions to which the data gives no answer."""

from __future__ import annotations

from tests.planning.checks.building import T, t
from tests.planning.planned import planned


def test_a_question_that_cannot_be_answered_blocks() -> None:
    old = f"{T.format('TEXT')}; INSERT INTO t VALUES (1, '{{')"
    found = planned(old, t("x: Annotated[str, From(\"json_extract(x, '$.a')\")]"))
    message = "could not look for not-null in t.x: malformed JSON"
    assert found.of("unanswered") == [("block", message, None)]
