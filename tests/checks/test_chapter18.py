"""Each check of chapter 18 accepts the right answer and rejects what goes wrong in practice."""

import numpy as np
import pytest

from ravm_course.checks import chapter18
from ravm_course.checks.compare import CheckFailed

BUDGET = (10_240_000_000, 400_000_000, 4000 + 16 * 10**7 / 4000)


def test_budget(capsys):
    chapter18.check_budget(*BUDGET)
    chapter18.check_budget(*BUDGET[:2], 44_000)
    chapter18.check_budget(..., ..., ...)
    assert capsys.readouterr().out.count("Right") == 6


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (0, 10**7 * 256, "32 bits"),  # one byte a number
        (0, 10**7 * 256 * 8, "32 bits"),  # double precision
        (1, 10**7 * 32, "id of 8 bytes"),  # ids forgotten
        (1, 10**7 * (32 * 8 + 8), "8 bits a piece"),  # bits taken for bytes
        (1, 10**7 * (256 + 8), "8 bits a piece"),  # one byte a number
        (2, 16 * 10**7 / 4000, "every centre"),  # centres forgotten
        (2, 4000 + 10**7 / 4000, "16 lists"),  # one list
        (2, 10**7, "every centre"),  # exact search
    ],
)
def test_budget_rejects(place, wrong, message):
    answers = list(BUDGET)
    answers[place] = wrong
    with pytest.raises(CheckFailed, match=message):
        chapter18.check_budget(*answers)


def table_of(query, codebooks):
    pieces = query.reshape(len(codebooks), 1, -1)
    return ((codebooks - pieces) ** 2).sum(axis=2)


def right_search(query, codebooks, codes, k):
    decoded = codebooks[np.arange(len(codebooks)), codes].reshape(len(codes), -1)
    away = ((decoded - query) ** 2).sum(axis=1)
    rows = np.argsort(away, kind="stable")[:k]
    return rows, away[rows]


def query_rounded(query, codebooks, codes, k):
    nearest = table_of(query, codebooks).argmin(axis=1)
    return right_search(codebooks[np.arange(len(codebooks)), nearest].ravel(), codebooks, codes, k)


def one_table_for_all(query, codebooks, codes, k):
    away = table_of(query, codebooks)[0][codes].sum(axis=1)
    rows = np.argsort(away, kind="stable")[:k]
    return rows, away[rows]


def sums_of_roots(query, codebooks, codes, k):
    table = np.sqrt(table_of(query, codebooks))
    away = table[np.arange(len(codebooks)), codes].sum(axis=1)
    rows = np.argsort(away, kind="stable")[:k]
    return rows, away[rows]


def root_of_the_sum(query, codebooks, codes, k):
    rows, away = right_search(query, codebooks, codes, k)
    return rows, np.sqrt(away)


def farthest_first(query, codebooks, codes, k):
    rows, away = right_search(query, codebooks, codes, len(codes))
    return rows[::-1][:k], away[::-1][:k]


def not_sorted(query, codebooks, codes, k):
    away = right_search(query, codebooks, codes, len(codes))
    order = np.argsort(away[0])
    rows = np.argpartition(away[1][order], k - 1)[:k]
    return np.sort(rows), away[1][order][np.sort(rows)]


def larger_row_first_in_ties(query, codebooks, codes, k):
    rows, away = right_search(query, codebooks, codes[::-1], k)
    return len(codes) - 1 - rows, away


def query_cut_the_other_way(query, codebooks, codes, k):
    turned = query.reshape(-1, len(codebooks)).T.ravel()
    return right_search(turned, codebooks, codes, k)


def signed_codes(query, codebooks, codes, k):
    table = table_of(query, codebooks)
    away = table[np.arange(len(codebooks)), codes.astype(np.int8)].sum(axis=1)
    rows = np.argsort(away, kind="stable")[:k]
    return rows, np.roll(away[rows], 0) + (codes[rows] > 127).any(axis=1) * 0.1


def the_other_way_round(query, codebooks, codes, k):
    return right_search(query, codebooks, codes, k)[::-1]


def test_search_codes(capsys):
    chapter18.check_search_codes(right_search)
    assert capsys.readouterr().out.startswith("Right: 6")


@pytest.mark.parametrize(
    "wrong",
    [
        query_rounded,
        one_table_for_all,
        sums_of_roots,
        root_of_the_sum,
        farthest_first,
        not_sorted,
        larger_row_first_in_ties,
        query_cut_the_other_way,
        signed_codes,
        the_other_way_round,
        lambda *arguments: right_search(*arguments)[0],
    ],
)
def test_search_codes_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter18.check_search_codes(wrong)


def right_merge(scores, ids, k):
    merged_scores, merged_ids = [], []
    for row in range(len(ids[0])):
        pairs = [
            (-score, id)
            for some, others in zip(scores, ids, strict=True)
            for score, id in zip(some[row].tolist(), others[row].tolist(), strict=True)
            if id >= 0
        ]
        pairs = sorted(pairs)[:k] + [(np.inf, -1)] * max(0, k - len(pairs))
        merged_scores.append([-score for score, _ in pairs])
        merged_ids.append([id for _, id in pairs])
    return np.array(merged_scores), np.array(merged_ids)


def first_shard_only(scores, ids, k):
    return right_merge(scores[:1], ids[:1], k)


def not_sorted_again(scores, ids, k):
    both, values = np.concatenate(ids, 1), np.concatenate(scores, 1)
    return values[:, :k], both[:, :k]


def smallest_score_first(scores, ids, k):
    values, both = right_merge([-s for s in scores], ids, k)
    return -values, both


def ties_by_shard(scores, ids, k):
    both, values = np.concatenate(ids, 1), np.concatenate(scores, 1)
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(both, order, 1), np.take_along_axis(values, order, 1)
    missing = k - found[0].shape[1]
    pad = ((0, 0), (0, max(missing, 0)))
    return (
        np.pad(found[1], pad, constant_values=-np.inf),
        np.pad(found[0], pad, constant_values=-1),
    )


def shorter_when_too_few(scores, ids, k):
    both, values = np.concatenate(ids, 1), np.concatenate(scores, 1)
    order = np.lexsort((both, -values), axis=1)[:, :k]
    return np.take_along_axis(values, order, 1), np.take_along_axis(both, order, 1)


def all_queries_in_one(scores, ids, k):
    values, both = right_merge(
        [s.reshape(1, -1) for s in scores], [i.reshape(1, -1) for i in ids], k
    )
    return np.repeat(values, len(ids[0]), 0), np.repeat(both, len(ids[0]), 0)


def scores_sorted_ids_not(scores, ids, k):
    values, _ = right_merge(scores, ids, k)
    both = np.concatenate([*ids, np.full((len(ids[0]), k), -1)], 1)
    return values, both[:, :k]


def test_merge_answers(capsys):
    chapter18.check_merge_answers(right_merge)
    assert capsys.readouterr().out.startswith("Right: 5")


@pytest.mark.parametrize(
    "wrong",
    [
        first_shard_only,
        not_sorted_again,
        smallest_score_first,
        ties_by_shard,
        shorter_when_too_few,
        all_queries_in_one,
        scores_sorted_ids_not,
        lambda *arguments: right_merge(*arguments)[::-1],
    ],
)
def test_merge_answers_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter18.check_merge_answers(wrong)


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (chapter18.check_search_codes, "search_codes"),
        (chapter18.check_merge_answers, "merge_answers"),
    ],
)
def test_a_stub_is_not_an_error(check, name, capsys):
    def stub(*arguments):
        return ...

    stub.__name__ = name
    check(stub)
    assert f"Not attempted yet: write {name}" in capsys.readouterr().out
