"""The race in a minute: the best neural model that 60 seconds on two cores can train.

Everything that turns token ids into a model counts: hashing, tables, every step. Reading the
speeches and training the tokenizer do not; they are the same for the n-gram models that are fitted
beside it. Ingredients are chosen on the validation speeches. The test speeches are scored at the
end, by the full recipe, the n-gram models, and their mixture, which is no longer purely neural.

    python benchmarks/speedrun.py --seconds 60 --seeds 0 1 2 --ablations

On a busy machine the clock on the wall measures the others. Then count the processor's time:

    python benchmarks/speedrun.py --clock cpu --seconds 110 --threads 1
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from timing import write
from torch import Tensor, nn

from ravm_course.lm.context_lstm import ContextLSTM
from ravm_course.lm.mixture import mix, mixture_weights
from ravm_course.lm.speech_tokens import Part, load_speech_tokens
from ravm_course.metrics import ratio_interval
from ravm_course.nn.transformer import count_parameters
from ravm_course.text.ngram import NGramLM
from ravm_course.training import has_bfloat16

WINDOW = 32  # tokens that gradients flow back through
RATES = {"embed": 0.03, "lstm": 0.003, "out": 0.003, "head": 0.003}  # a token's row is met rarely
WARMUP = 50  # steps
CHECKS = 6  # points of the curve
KNESER_NEY = ((4096, 3), (4096, 5), (4096, 6), (1024, 7))  # vocabulary, order


@dataclass(frozen=True)
class Recipe:
    """The ingredients, and nothing else.

    Attributes
    ----------
    vocab_size
        Tokens: a small vocabulary makes the output layer cheaper, and the text longer.
    contexts
        Lengths of the contexts that the memory keeps a vector for.
    own_rows
        Whether contexts that the training text holds twice have a row each; without, all are
        hashed to 2^18 rows.
    adagrad
        Whether a row of the memory takes smaller steps the more it has learned.
    memory_rate
        Its learning rate: with Adagrad a first step, in about as many logits.
    lstm
        Whether an LSTM reads what lies further back.
    informed
        Whether the LSTM reads the memory's vectors beside the tokens'.
    carried
        Whether its state goes on from one window to the next.
    bfloat16
        Whether matrices are multiplied in half precision.
    decayed
        Whether the learning rate falls to zero at the end.
    passes
        How often the text is read at most, if the time allows. The memory learns it by heart.
    streams
        Places of the text that are read side by side: the batch.
    """

    vocab_size: int = 4096
    contexts: tuple[int, ...] = (1, 2, 3)
    own_rows: bool = True
    adagrad: bool = True
    memory_rate: float = 3.0
    lstm: bool = True
    informed: bool = True
    carried: bool = True
    bfloat16: bool = True
    decayed: bool = True
    passes: float = 1.0
    streams: int = 32


ABLATIONS = {
    "no memory": {"contexts": ()},
    "no memory, but up to two passes": {"contexts": (), "passes": 2.0},
    "memory of one token": {"contexts": (1,)},
    "hashed contexts": {"own_rows": False},
    "memory without Adagrad": {"adagrad": False},
    "memory without Adagrad, rate 0.1": {"adagrad": False, "memory_rate": 0.1},
    "no LSTM": {"lstm": False},
    "no LSTM, but up to two passes": {"lstm": False, "passes": 2.0},
    "LSTM apart from memory": {"informed": False},
    "state not carried": {"carried": False},
    "single precision": {"bfloat16": False},
    "constant learning rate": {"decayed": False},
    "up to two passes": {"passes": 2.0},
    "vocabulary of 1,024": {"vocab_size": 1024},
    "four times the batch": {"streams": 128},
}


class Clock:
    """Seconds since it was made, of the wall or of the processor, without its pauses."""

    def __init__(self, kind: str):
        self.now = {"wall": time.perf_counter, "cpu": time.process_time}[kind]
        self.start = self.now()

    def seconds(self) -> float:
        """Return the seconds that count."""
        return self.now() - self.start

    def without(self, work: Callable[[], float]) -> float:
        """Return what `work` returns; the time that it takes does not count."""
        began = self.now()
        result = work()
        self.start += self.now() - began
        return result


def train(
    recipe: Recipe,
    text: Tensor,
    end: int,
    clock: Clock,
    seconds: float,
    seed: int = 0,
    threads: int = 1,
    check: Callable[[ContextLSTM], float] | None = None,
) -> tuple[ContextLSTM, dict]:
    """Train until `clock` shows `seconds`, or the text was read as often as the recipe says.

    Parameters
    ----------
    recipe
        The ingredients.
    text
        The training speeches as one stream, ``(T,)``.
    end
        The token that ends each of them, the last of the vocabulary.
    clock, seconds
        The budget.
    seed
        Of the first weights.
    threads
        Cores. Each computes the gradients of its share of the streams.
    check
        Measures the model at a few moments that do not count.

    Returns
    -------
    tuple
        The model, and what happened: steps, passes, tokens a second, and the curve as rows of
        seconds, tokens read, and the value of `check`.
    """
    torch.manual_seed(seed)
    model = ContextLSTM(
        end + 1,
        contexts=recipe.contexts,
        begin=end,
        text=text if recipe.own_rows else None,
        lstm=recipe.lstm,
        informed=recipe.informed,
        adapt=recipe.adagrad,
    )
    optimizer = torch.optim.AdamW(
        [{"params": list(m.parameters()), "rate": RATES[n]} for n, m in model.named_children()],
        betas=(0.9, 0.99), weight_decay=0.0, fused=True,
    )  # fmt: skip
    columns = side_by_side(model, text, recipe.streams)
    states: list = [None] * threads
    step, first, tokens, curve = 0, 0, WINDOW * recipe.streams, []
    steps = recipe.passes * (len(text) // tokens)  # at most
    with workers(threads) as pool:
        while (done := max(clock.seconds() / seconds, step / steps)) < 1:
            if check and done > (len(curve) + 1) / CHECKS:
                row = [clock.seconds(), step * tokens]
                curve.append([*row, clock.without(lambda: check(model))])
            if first + WINDOW > len(text) // recipe.streams:
                first, states = 0, [None] * threads  # from the beginning once more
            window = {name: x[first : first + WINDOW].chunk(threads, 1) for name, x in columns}
            shares = [
                {name: x[i].contiguous() for name, x in window.items()} for i in range(threads)
            ]
            found = list(pool.map(gradients, itertools.repeat((model, recipe)), shares, states))
            if recipe.carried:
                states = [state for state, _, _ in found]
            rate = min(1, (step + 1) / WARMUP) * (1 - done if recipe.decayed else 1)
            move_weights(model, optimizer, [weights for _, weights, _ in found], rate, tokens)
            vectors = [vectors for _, _, vectors in found]
            move_memory(model, pool, shares, vectors, recipe.memory_rate * rate)
            first, step = first + WINDOW, step + 1
    return model, {
        "steps": step,
        "passes": round(step * tokens / len(text), 3),
        "tokens_a_second": round(step * tokens / clock.seconds()),
        "rows": sum(map(len, model.memory.tables.values())),
        "parameters": count_parameters(model)
        + sum(table.numel() for table in model.memory.tables.values()),
        "curve": curve,
    }


def workers(threads: int) -> ThreadPoolExecutor:
    """Return threads, of which each computes on one core; torch releases Python's lock."""
    torch.set_num_threads(1)
    return ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))


def side_by_side(model: ContextLSTM, text: Tensor, n: int) -> list[tuple[object, Tensor]]:
    """Cut what is read, its contexts' rows and what follows into `n` columns, ``(T / n, n)``."""
    read = F.pad(text[:-1], (1, 0), value=model.begin)
    length = len(text) // n
    lines = {"read": read, "next": text, **model.memory.rows(read)}
    return [(name, x[: length * n].view(n, length).T) for name, x in lines.items()]


def gradients(made: tuple[ContextLSTM, Recipe], batch: dict, state: tuple | None) -> tuple:
    """Return the state after a batch, and the gradients of weights and of looked-up vectors."""
    model, recipe = made
    vectors = model.memory.look_up({n: batch[n] for n in recipe.contexts})
    with torch.autocast("cpu", torch.bfloat16, recipe.bfloat16, cache_enabled=False):
        logits, state = model(batch["read"], vectors, state)
        loss = F.cross_entropy(logits.flatten(0, 1), batch["next"].flatten(), reduction="sum")
    weights = list(model.parameters())
    both = torch.autograd.grad(loss, [*weights, *vectors.values()])
    state = state and tuple(some.detach() for some in state)
    return state, both[: len(weights)], both[len(weights) :]


def move_weights(model, optimizer, found: list, rate: float, tokens: int) -> None:
    """Take one step of AdamW with the mean of the gradients that the threads found."""
    for weight, *parts in zip(model.parameters(), *found, strict=True):
        weight.grad = sum(parts) / tokens
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate"]
    optimizer.step()


def move_memory(model, pool, shares: list, found: list, rate: float) -> None:
    """Move the rows that were looked up, one table a thread."""

    def move(table: int, length: int) -> None:
        rows = torch.cat([share[length] for share in shares], 1)
        vectors = torch.cat([vectors[table] for vectors in found], 1)
        model.memory.update(length, rows, vectors, rate)

    list(pool.map(move, itertools.count(), model.memory.tables))


def score(model: ContextLSTM, part: Part, threads: int) -> np.ndarray:
    """Return the log-probabilities of all tokens of a part, speech after speech."""
    with workers(threads) as pool:
        shares = list(pool.map(model.log_probs, [part.ids[i::threads] for i in range(threads)]))
    speeches = [shares[i % threads][i // threads] for i in range(len(part.ids))]
    return torch.cat(speeches).double().numpy()


def bits(logs: np.ndarray, part: Part) -> list[float]:
    """Return the bits of each speech, from the natural log-probabilities of all tokens."""
    ends = np.cumsum([len(ids) for ids in part.ids])
    return [round(-some.sum() / math.log(2), 1) for some in np.split(logs, ends[:-1])]


def bits_per_byte(logs: np.ndarray, part: Part) -> float:
    """Return the bits of all speeches over their bytes."""
    return sum(bits(logs, part)) / sum(part.n_bytes)


def some_of(part: Part, which: slice) -> Part:
    """Return some speeches of a part."""
    return Part(part.ids[which], part.n_bytes[which], part.years[which])


def speeches_of(vocab_size: int, quick: bool) -> list[Part]:
    """Return training, validation and test speeches; only the first two of each for a try."""
    speeches = load_speech_tokens(vocab_size)
    parts = [speeches.train, speeches.validation, speeches.test]
    return [some_of(part, slice(2)) for part in parts] if quick else parts


def kneser_ney(vocab_size: int, order: int, quick: bool) -> tuple[dict, list[np.ndarray]]:
    """Fit an n-gram model; return its row, and its log-probabilities of validation and test."""
    parts = speeches_of(vocab_size, quick)
    texts = [[list(map(str, ids[:-1].tolist())) for ids in part.ids] for part in parts]
    began = time.process_time()
    known = [str(i) for i in range(vocab_size)]
    model = NGramLM(order, discount_fallback=quick).fit(texts[0], vocabulary=known)
    seconds = round(time.process_time() - began, 1)
    logs = [model.log_probs(some) for some in texts[1:]]
    value = bits_per_byte(logs[0], parts[1])
    print(f"KN-{order} on {vocab_size} tokens: validation {value:.4f}, {seconds} s", flush=True)
    row = {"vocab_size": vocab_size, "order": order, "cpu_seconds": seconds, "validation": value}
    return row | {"test_bits": bits(logs[1], parts[2])}, logs


def main(arguments: list[str] | None = None) -> dict:
    """Train, ablate, compare, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seconds", type=float, default=60, help="of training (%(default)s)")
    add("--clock", choices=("wall", "cpu"), default="wall", help="what is counted (%(default)s)")
    add("--threads", type=int, default=2, help="cores that train (%(default)s)")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the full recipe (%(default)s)")
    add(
        "--ablations", action=argparse.BooleanOptionalAction, default=True,
        help="also leave out each ingredient, with the first seed",
    )  # fmt: skip
    add(
        "--bfloat16",
        action=argparse.BooleanOptionalAction,
        default=has_bfloat16(),
        help="multiply in half precision; by default where the processor can (here: %(default)s)",
    )
    add(
        "--store", action=argparse.BooleanOptionalAction, default=True,
        help="write benchmarks/results/speedrun.json, which chapter 8 reads",
    )  # fmt: skip
    add("--quick", action="store_true", help="two speeches of each part, nothing stored: a try")
    options = parser.parse_args(arguments)
    if options.bfloat16 and not has_bfloat16():
        parser.error(
            "this processor has no instructions for bfloat16, without which an LSTM does not run "
            "in it: use --no-bfloat16, and expect fewer steps in the minute."
        )

    def run(name: str, recipe: Recipe, seed: int, curve: bool = False) -> tuple[dict, ContextLSTM]:
        part, validation, _ = speeches_of(recipe.vocab_size, options.quick)
        third = some_of(validation, slice(None, None, 3))
        model, facts = train(
            recipe, part.stream(), recipe.vocab_size, Clock(options.clock), options.seconds, seed,
            options.threads,
            (lambda m: bits_per_byte(score(m, third, options.threads), third)) if curve else None,
        )  # fmt: skip
        value = bits_per_byte(score(model, validation, options.threads), validation)
        print(f"{name}, seed {seed}: validation {value:.4f}, {facts['steps']} steps", flush=True)
        return {"name": name, "seed": seed, **asdict(recipe), **facts, "validation": value}, model

    recipe, first, full = Recipe(bfloat16=options.bfloat16), options.seeds[0], []
    _, validation, test = speeches_of(recipe.vocab_size, options.quick)
    counted = [kneser_ney(*which, options.quick) for which in KNESER_NEY]
    costs = {f"KN-{row['order']} on {row['vocab_size']}": row["test_bits"] for row, _ in counted}
    same_tokens = [one for one in counted if one[0]["vocab_size"] == recipe.vocab_size]
    partner, counts = min(same_tokens, key=lambda one: one[0]["validation"])
    for seed in options.seeds:
        row, model = run("full recipe", recipe, seed, curve=seed == first)
        logs = [score(model, part, options.threads) for part in (validation, test)]
        weights = mixture_weights([logs[0], counts[0]])
        mixed = [mix(pair, weights) for pair in zip(logs, counts, strict=True)]
        row["test_bits"] = bits(logs[1], test)
        row["mixture"] = {
            "order": partner["order"],
            "weights": weights.tolist(),
            "validation": bits_per_byte(mixed[0], validation),
            "test_bits": bits(mixed[1], test),
        }
        costs[f"full recipe, seed {seed}"] = row["test_bits"]
        costs[f"with KN-{partner['order']}, seed {seed}"] = row["mixture"]["test_bits"]
        full.append(row)
    changes = ABLATIONS.items() if options.ablations else ()
    ablated = [run(name, replace(recipe, **change), first)[0] for name, change in changes]
    for name, paid in costs.items():
        print(f"{name}: test {ratio_interval(paid, test.n_bytes)}")
    results = {
        "seconds": options.seconds, "clock": options.clock, "threads": options.threads,
        "validation_bytes": validation.n_bytes, "test_bytes": test.n_bytes,
        "runs": full + ablated, "kneser_ney": [row for row, _ in counted],
    }  # fmt: skip
    if options.store and not options.quick:
        command = "python benchmarks/speedrun.py"
        command += f" --seconds {options.seconds:g} --clock {options.clock}"
        command += f" --threads {options.threads} --seeds {' '.join(map(str, options.seeds))}"
        command += "".join(
            f" --{'' if getattr(options, name) else 'no-'}{name}"
            for name in ("ablations", "bfloat16")
        )
        print(write("speedrun", command, results))
    return results


if __name__ == "__main__":
    main()
