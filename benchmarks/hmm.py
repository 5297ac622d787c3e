"""Hidden Markov models side by side: this package and hmmlearn, whose loops are in C++.

Both get the same tables and letters of Moby-Dick, in turns, in one process, and in CPU time,
because the machine may be busy. Equality comes first: log-likelihood, path and one step of EM must
agree to 1e-8. hmmlearn can sum in logarithms (its default) or with scaling, which it does not check
for rounding, as this package does; both are timed. An E-step is one sweep in each direction with
its counts. This package makes each step in time for all sequences together, and pays Python's price
for every step in time: one long sequence is its worst case.

    python benchmarks/hmm.py
"""

from __future__ import annotations

import argparse
import re
import time

import numpy as np
from hmmlearn.hmm import CategoricalHMM
from timing import interleave, write

from ravm_course.data import load_novel
from ravm_course.text.hmm import HMM

E_STEPS = 5
LETTERS = " abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Measure, print, and write benchmarks/results/hmm.json."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="turns that each way takes")
    options = parser.parse_args()
    text = re.sub("[^a-z]+", " ", load_novel().lower())
    ids = np.array([LETTERS.index(letter) for letter in text[:100_000]])
    results = {}
    for name, n_states, length in (
        ("1000 sequences of 100 letters, 2 states", 2, 100),
        ("1000 sequences of 100 letters, 16 states", 16, 100),
        ("1 sequence of 100000 letters, 2 states", 2, 100_000),
    ):
        results[name] = compare(ids.reshape(-1, length), n_states, options.repeats)
        print(name, results[name])
    write("hmm", f"python benchmarks/hmm.py --repeats {options.repeats}", results)


def compare(sequences: np.ndarray, n_states: int, repeats: int) -> dict[str, int]:
    """Return letters a CPU second of each way, after checking that all give the same."""
    start = HMM.random(n_states, len(LETTERS), seed=0)
    stacked, lengths = sequences.reshape(-1, 1), [sequences.shape[1]] * len(sequences)
    rows = list(sequences)

    def ours() -> HMM:
        return HMM(n_states, len(LETTERS), start.initial, start.transition, start.emission)

    def theirs(implementation: str, n_steps: int = 1) -> CategoricalHMM:
        model = CategoricalHMM(
            n_states,
            n_features=len(LETTERS),
            implementation=implementation,
            params="ste",
            init_params="",
            n_iter=n_steps,
            tol=-np.inf,
        )
        model.startprob_, model.transmat_ = start.initial.copy(), start.transition.copy()
        model.emissionprob_ = start.emission.copy()
        return model

    learned, reference = ours(), theirs("log")
    learned.baum_welch(rows, n_iterations=1)
    reference.fit(stacked, lengths)
    np.testing.assert_allclose(learned.emission, reference.emissionprob_, rtol=0, atol=1e-8)
    np.testing.assert_allclose(learned.transition, reference.transmat_, rtol=0, atol=1e-8)
    expected = theirs("log").score(stacked, lengths)
    np.testing.assert_allclose(start.log_likelihood(rows).sum(), expected, rtol=1e-8)
    score, path = theirs("log").decode(stacked, lengths)
    paths, scores = start.viterbi(rows)
    np.testing.assert_allclose(scores.sum(), score, rtol=1e-8)
    assert np.concatenate(paths).tolist() == path.tolist()

    # both make E_STEPS sweeps: after its last step this package measures what it has reached
    steps = {
        "E-steps": lambda: ours().baum_welch(rows, n_iterations=E_STEPS - 1, tolerance=-1),
        "E-steps, hmmlearn scaling": lambda: theirs("scaling", E_STEPS).fit(stacked, lengths),
        "E-steps, hmmlearn log": lambda: theirs("log", E_STEPS).fit(stacked, lengths),
        "Viterbi": lambda: start.viterbi(rows),
        "Viterbi, hmmlearn": lambda: theirs("log").decode(stacked, lengths),
    }
    seconds = interleave(steps, repeats, time.process_time)
    return {
        f"{way}, letters a CPU second": round(
            sequences.size * (E_STEPS if way.startswith("E") else 1) / taken
        )
        for way, taken in seconds.items()
    }


if __name__ == "__main__":
    main()
