"""States of a language model as keys: each is that of its window, and its token comes next."""

import pytest
import torch

from ravm_course.lm import GPT, GPTConfig
from ravm_course.lm.keys import token_keys


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=30, context=8, channels=16, heads=2, layers=2)
    return GPT(config).eval()


def test_keys_are_the_states_and_values_the_next_tokens(model):
    ids = torch.randint(30, (45,), generator=torch.Generator().manual_seed(0))
    keys, following = token_keys(model, ids, skip=3, batch=2)
    assert keys.shape == (5 * 5, 16)
    row = 0
    for window in range(5):
        begin = 8 * window
        states = model.features(ids[None, begin : begin + 8])[0]
        for t in range(3, 8):
            torch.testing.assert_close(keys[row], states[t])
            assert following[row] == ids[begin + t + 1]
            row += 1
    assert not keys.requires_grad
    some, tokens = token_keys(model, ids, skip=3, most=7)
    torch.testing.assert_close(some, keys[:7])
    torch.testing.assert_close(tokens, following[:7])


def test_refusals(model):
    with pytest.raises(ValueError, match="at least 9 tokens"):
        token_keys(model, torch.zeros(8, dtype=torch.long), skip=0)
    with pytest.raises(ValueError, match="expected 0 to 7"):
        token_keys(model, torch.zeros(20, dtype=torch.long), skip=8)
    with pytest.raises(ValueError, match="most is 99 but the text gives 16 pairs"):
        token_keys(model, torch.zeros(20, dtype=torch.long), skip=0, most=99)
