"""The memory of contexts: what it sees, how it learns; the model around it against single steps."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.lm.context_lstm import ContextLSTM
from ravm_course.lm.contexts import ContextMemory

V, END = 12, 11


def learned_model(**options) -> ContextLSTM:
    """Return a small model whose memory holds something."""
    torch.manual_seed(0)
    model = ContextLSTM(V, channels=8, contexts=(1, 2, 3), begin=END, **options)
    for table in model.memory.tables.values():
        table.normal_()
    return model


@settings(deadline=None)
@given(st.lists(st.integers(0, V - 1), min_size=1, max_size=30), st.data())
def test_a_row_depends_on_the_last_tokens_alone(ids, data):
    memory = ContextMemory(V, 4, (1, 2, 3), bits=20, begin=END)
    ids = torch.tensor(ids)
    at = data.draw(st.integers(0, len(ids) - 1))
    other = ids.clone()
    other[at] = (ids[at] + data.draw(st.integers(1, V - 1))) % V
    before, after = memory.rows(ids), memory.rows(other)
    for n in memory.tables:
        changed = (before[n] != after[n]).nonzero().flatten().tolist()
        assert changed == list(range(at, min(at + n, len(ids))))  # 2^20 rows: no collision here
        assert before[n].min() >= 0
        assert before[n].max() < len(memory.tables[n])


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.lists(st.integers(0, 4)))
def test_contexts_seen_twice_have_a_row_each(text, read):
    memory = ContextMemory(5, 4, (1, 2, 3), begin=0, text=torch.tensor(text))
    if not read:
        return
    rows = memory.rows(torch.tensor(read))
    for n in (2, 3):

        def cut(ids, n=n):
            return [tuple(([0] * n + ids)[i : i + n]) for i in range(1, len(ids) + 1)]

        times = Counter(cut(text))
        known = sorted(context for context, count in times.items() if count > 1)
        assert len(memory.tables[n]) == len(known) + 1
        expected = [known.index(c) + 1 if c in known else 0 for c in cut(read)]
        assert rows[n].tolist() == expected


def test_rows_are_spread_evenly():
    memory = ContextMemory(1025, 1, (3,), bits=12, begin=0)
    rows = memory.rows(torch.randint(1025, (2**16,)))[3]
    sizes = torch.bincount(rows, minlength=2**12).double()
    assert abs(sizes.var() / sizes.mean() - 1) < 0.1  # as if drawn by chance


def test_update_is_adagrad_with_one_sum_a_row():
    memory = ContextMemory(V, 4, (1,), start=0.5)
    rows = torch.tensor([[3, 5], [3, 7]])
    gradients = torch.randn(2, 2, 4)
    expected, squares = torch.zeros(V, 4), torch.full((V,), 0.5)
    for _ in range(2):
        for row, gradient in zip(rows.flatten(), gradients.flatten(0, 1), strict=True):
            squares[row] += gradient @ gradient
        for row, gradient in zip(rows.flatten(), gradients.flatten(0, 1), strict=True):
            expected[row] -= 2.0 * gradient / squares[row].sqrt()
        memory.update(1, rows, gradients, 2.0)
    torch.testing.assert_close(memory.tables[1], expected)
    torch.testing.assert_close(memory.squares[1], squares)


def test_without_adaption_all_steps_are_alike():
    memory = ContextMemory(V, 4, (1,), adapt=False)
    for _ in range(3):
        memory.update(1, torch.tensor([2]), torch.ones(1, 4), 0.1)
    torch.testing.assert_close(memory.tables[1][2], torch.full((4,), -0.3))


def test_a_context_is_learned_from_one_look():
    memory = ContextMemory(V, 4, (2,), bits=10)
    torch.manual_seed(0)
    head = torch.randn(V, 4)
    rows = memory.rows(torch.tensor([1, 2]))
    vectors = memory.look_up(rows)
    loss = torch.nn.functional.cross_entropy(vectors[2] @ head.T, torch.tensor([5, 6]))
    loss.backward()
    memory.update(2, rows[2], vectors[2].grad * 2, 2.0)
    after = torch.nn.functional.cross_entropy(
        memory.look_up(rows)[2] @ head.T, torch.tensor([5, 6])
    )
    assert after < 0.6 * loss


@pytest.mark.parametrize("wrong", [{"bits": 31}, {"bits": 0}, {"lengths": (0,)}, {"channels": 0}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        ContextMemory(**{"vocab_size": 4, "channels": 4, "lengths": (1,)} | wrong)


def test_contexts_that_cannot_be_numbered_are_refused():
    with pytest.raises(ValueError, match="63 bits"):
        ContextMemory(50_000, 4, (5,))


def test_a_model_that_sees_nothing_is_refused():
    with pytest.raises(ValueError, match="see nothing"):
        ContextLSTM(4, contexts=(), begin=0, lstm=False)


@pytest.mark.parametrize(
    "options", [{}, {"lstm": False}, {"informed": False}, {"text": torch.arange(60) % 7}]
)
def test_log_probs_equal_one_token_at_a_time(options):
    model = learned_model(**options)
    texts = [torch.randint(V, (n,)) for n in (5, 23, 1, 12)]
    for text, got in zip(texts, model.log_probs(texts, width=4), strict=True):
        state, read, expected = None, torch.tensor([END]), []
        for token in text:
            rows = {n: r[-1:, None] for n, r in model.memory.rows(read).items()}
            logits, state = model(read[-1:, None], model.memory.look_up(rows), state)
            expected.append(logits.log_softmax(-1)[0, 0, token])
            read = torch.cat([read, token[None]])
        torch.testing.assert_close(got, torch.stack(expected), rtol=1e-5, atol=1e-5)


def test_the_future_does_not_change_the_past():
    model = learned_model()
    text = torch.randint(V - 1, (20,))
    (before,) = model.log_probs([text])
    for at in range(20):
        other = text.clone()
        other[at] = (other[at] + 1) % V
        (after,) = model.log_probs([other])
        torch.testing.assert_close(after[:at], before[:at], rtol=1e-6, atol=1e-6)
        assert at > 18 or (after[at + 1 :] - before[at + 1 :]).abs().max() > 1e-4


def test_probabilities_sum_to_one():
    model = learned_model()
    text = torch.randint(V, (9,))
    everything = [torch.cat([text, torch.tensor([last])]) for last in range(V)]
    total = torch.stack([log[-1] for log in model.log_probs(everything)]).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-5)


def test_no_text_costs_nothing_and_an_empty_one_is_refused():
    assert learned_model().log_probs([]) == []
    with pytest.raises(ValueError, match="no token"):
        learned_model().log_probs([torch.tensor([1]), torch.tensor([], dtype=torch.long)])
