"""Sets of transactions, compared by what is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innodb.gtid import covers, parse, union

A = "24ca0670-e916-11f1-bde0-8e15d4a48ba5"
B = "0f753813-e917-11f1-bd8e-a26ae720eaf6"


def test_a_set_is_read_as_mysql_writes_it() -> None:
    assert parse("") == {}
    assert parse(f"{A}:1-5:7,\n{B}:2") == {(A, ""): [(1, 5), (7, 7)], (B, ""): [(2, 2)]}
    assert parse(f"{A.upper()}:1-3:backup:4:6-7") == {
        (A, ""): [(1, 3)],
        (A, "backup"): [(4, 4), (6, 7)],
    }


@pytest.mark.parametrize("text", ["no", A, f"{A}:", f"{A}:1-", f"{A}:1-2:tag", "48211"])
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no set of transactions"):
        parse(text)


def test_more_transactions_are_not_the_newer_ones() -> None:
    many, other = f"{A}:1-1000", f"{A}:1-10:1000001"
    assert not covers(many, other)
    assert not covers(other, many)
    assert covers(f"{A}:1-1000:1000001-1000002", other)


def test_transactions_of_another_origin_or_tag_are_others() -> None:
    assert not covers(f"{A}:1-9", f"{B}:1-9")
    assert not covers(f"{A}:1-9", f"{A}:1-9,{B}:1")
    assert not covers(f"{A}:1-9", f"{A}:tag:1")
    assert covers(f"{A}:1-9:tag:1-3", f"{A}:tag:2")


def test_everything_has_nothing_and_nothing_has_nothing_but_itself() -> None:
    assert covers(f"{A}:1", "")
    assert covers("", "")
    assert not covers("", f"{A}:1")


def test_what_was_received_and_not_applied_counts() -> None:
    assert union(f"{A}:1-5", f"{A}:4-9") == f"{A}:1-9"
    assert union(f"{A}:1-5", f"{A}:6:8") == f"{A}:1-6:8"
    assert union(f"{B}:1", f"{A}:2:tag:1") == f"{B}:1,{A}:2,{A}:tag:1"
    assert union("", "") == ""


transactions = st.frozensets(
    st.tuples(st.sampled_from([A, B]), st.sampled_from(["", "tag"]), st.integers(1, 12))
)


def written(chosen: frozenset[tuple[str, str, int]]) -> str:
    return ",".join(":".join(filter(None, [uuid, tag, str(n)])) for uuid, tag, n in chosen)


@given(transactions, transactions)
def test_sets_behave_as_sets(
    one: frozenset[tuple[str, str, int]], other: frozenset[tuple[str, str, int]]
) -> None:
    assert covers(written(one), written(other)) == (other <= one)
    assert parse(union(written(one), written(other))) == parse(written(one | other))
