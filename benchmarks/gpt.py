"""GPT beside transformers' GPT-2 of the same shape and weights: a training step, and writing on.

    OMP_NUM_THREADS=2 python benchmarks/gpt.py

Both models compute the same logits (asserted first). A step is forward, backward and one update by
AdamW. Writing is greedy, 16 tokens of prompt and 64, 128 and 240 new ones: with our cache, with
transformers' and without any.
"""

from __future__ import annotations

import argparse
import warnings

import torch
from timing import fix_threads, interleave, write

from ravm_course.lm import GPT, generate, next_token_loss

PROMPT = 16
NEW = (64, 128, 240)


def models(seed: int = 0) -> tuple[GPT, torch.nn.Module]:
    """Return both models with equal weights."""
    import transformers

    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=4096, n_positions=256, n_embd=128, n_layer=4, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    peer = transformers.GPT2LMHeadModel(config).eval()
    own = GPT.from_transformers(peer)
    ids = torch.randint(4096, (2, 64))
    with torch.no_grad():
        torch.testing.assert_close(own(ids), peer(ids).logits, rtol=1e-4, atol=1e-5)
    return own, peer


def training(batch: int, tokens: int, repeats: int) -> dict:
    """Time one step on `batch` texts of `tokens` tokens."""
    own, peer = models()
    own.train()
    peer.train()
    ids = torch.randint(4096, (batch, tokens))
    optimizers = {
        "ours": torch.optim.AdamW(own.parameters(), lr=1e-3),
        "transformers": torch.optim.AdamW(peer.parameters(), lr=1e-3),
    }
    losses: dict[str, list[float]] = {name: [] for name in optimizers}

    def step(name: str, loss) -> None:
        optimizers[name].zero_grad()
        value = loss()
        value.backward()
        optimizers[name].step()
        losses[name].append(value.item())

    seconds = interleave(
        {
            "ours": lambda: step("ours", lambda: next_token_loss(own, ids)),
            "transformers": lambda: step("transformers", lambda: peer(ids, labels=ids).loss),
        },
        repeats,
    )
    torch.testing.assert_close(*(torch.tensor(some) for some in losses.values()), rtol=1e-3, atol=0)
    row = {
        "texts": batch,
        "tokens": tokens,
        "our_ms": round(1e3 * seconds["ours"], 1),
        "transformers_ms": round(1e3 * seconds["transformers"], 1),
        "times_faster": round(seconds["transformers"] / seconds["ours"], 2),
    }
    print(row, flush=True)
    return row


def writing(repeats: int) -> list[dict]:
    """Time greedy continuation at several lengths; all three write the same tokens."""
    own, peer = models()
    for model in (own, peer):
        first = next(model.parameters())
        first.data.mul_(20)  # peaked, so that rounding decides nothing
    prompt = torch.randint(4096, (1, PROMPT))
    rows = []
    for new in NEW:
        ways = {
            "ours": lambda new=new: generate(own, prompt, new, temperature=0),
            "uncached": lambda new=new: generate(own, prompt, new, temperature=0, cached=False),
            "transformers": lambda new=new: peer.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=new,
                do_sample=False,
                use_cache=True,
                pad_token_id=0,
            ),
        }
        texts = [way() for way in ways.values()]
        assert all(torch.equal(texts[0], text) for text in texts), "they write different tokens"
        seconds = interleave(ways, repeats)
        rows.append(
            {
                "new_tokens": new,
                "tokens_a_second": round(new / seconds["ours"]),
                "times_transformers": round(seconds["transformers"] / seconds["ours"], 2),
                "times_uncached": round(seconds["uncached"] / seconds["ours"], 2),
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Run both comparisons and store them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9, help="turns (%(default)s)")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    fix_threads(2)
    path = write(
        "gpt",
        "OMP_NUM_THREADS=2 python benchmarks/gpt.py",
        {
            "training_step": [training(b, t, options.repeats) for b, t in ((16, 64), (8, 256))],
            "writing": writing(options.repeats),
        },
    )
    print(path)


if __name__ == "__main__":
    main()
