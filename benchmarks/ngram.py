"""n-gram models side by side: this package, KenLM's query module, and nltk.

All are trained on the training speeches and score the test speeches, in turns, in one process, and
in CPU time, because the machine may be busy. Equality comes first: KenLM must give the log10
probabilities of our ARPA file to 1e-6, and nltk the Lidstone probabilities that we give. nltk's
Kneser-Ney has one fixed discount and no back-off for unknown words, so its numbers differ from
KenLM's and ours by design; only its speed is compared, on few tokens, since it is slow. With
--lmplz the perplexities of KenLM's own training program are recorded beside ours; PyPI's kenlm
source distribution holds that program (tests/text/golden/README.md says how it was built).

    python benchmarks/ngram.py
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
import time
import tracemalloc
from pathlib import Path

import kenlm
import nltk.lm
import numpy as np
from nltk.lm.preprocessing import padded_everygram_pipeline
from nltk.util import everygrams
from timing import interleave, write

from ravm_course.data.sentences import speech_split, split_sentences
from ravm_course.data.speeches import load_speeches
from ravm_course.text.ngram import NGramLM

ORDERS = (2, 3, 4, 5)


def main() -> None:
    """Measure, print a table, and write benchmarks/results/ngram.json."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="turns that each way takes")
    parser.add_argument("--nltk-sentences", type=int, default=3000, help="nltk is trained on these")
    parser.add_argument("--nltk-tokens", type=int, default=200, help="tokens that nltk scores")
    parser.add_argument("--lmplz", help="path of KenLM's lmplz, if you have built it")
    options = parser.parse_args()

    train, _, test = (
        [sentence for speech in part for sentence in split_sentences(speech.text)]
        for part in speech_split(load_speeches())
    )
    n_train, n_test = count(train), count(test)
    print(f"{n_train:,} training tokens, {n_test:,} test tokens, </s> included")
    result = {"train_tokens": n_train, "test_tokens": n_test}
    with tempfile.TemporaryDirectory() as folder:
        result |= compare_with_kenlm(train, test, Path(folder), options.repeats)
        if options.lmplz:
            result["lmplz_perplexity"] = perplexities_of_lmplz(
                options.lmplz, train, test, Path(folder)
            )
    result["perplexity"] = {str(n): NGramLM(n).fit(train).perplexity(test) for n in ORDERS}
    result["bytes_per_ngram"] = peak_bytes_per_ngram(train)
    result["nltk"] = compare_with_nltk(
        train[: options.nltk_sentences], test, options.nltk_tokens, options.repeats
    )
    for key, value in result.items():
        print(f"{key}: {value}")
    given = f"--repeats {options.repeats} --nltk-sentences {options.nltk_sentences}"
    given += f" --nltk-tokens {options.nltk_tokens}" + (" --lmplz lmplz" * bool(options.lmplz))
    write("ngram", f"python benchmarks/ngram.py {given}", result)


def count(sentences: list[list[str]]) -> int:
    """Return the number of tokens with one ``</s>`` a sentence."""
    return sum(map(len, sentences)) + len(sentences)


def compare_with_kenlm(train, test, folder: Path, repeats: int) -> dict[str, float]:
    """Fit order 5, have KenLM read the file, compare every token, then time both."""
    lm = NGramLM(5).fit(train)
    lm.to_arpa(folder / "ours.arpa")
    theirs = kenlm.Model(str(folder / "ours.arpa"))
    lines = [" ".join(sentence) for sentence in test]

    def query() -> np.ndarray:
        return np.array([word[0] for line in lines for word in theirs.full_scores(line)])

    np.testing.assert_allclose(lm.log_probs(test) / math.log(10), query(), rtol=1e-6, atol=1e-6)
    seconds = interleave(
        {
            "fit": lambda: NGramLM(5).fit(train),
            "score": lambda: lm.log_probs(test),
            "kenlm words": query,
            "kenlm sentences": lambda: [theirs.score(line) for line in lines],
        },
        repeats,
        time.process_time,
    )
    return {
        "fit_tokens_per_cpu_second": round(count(train) / seconds["fit"]),
        "score_tokens_per_cpu_second": round(count(test) / seconds["score"]),
        "kenlm_words_tokens_per_cpu_second": round(count(test) / seconds["kenlm words"]),
        "kenlm_sentences_tokens_per_cpu_second": round(count(test) / seconds["kenlm sentences"]),
    }


def perplexities_of_lmplz(program: str, train, test, folder: Path) -> dict[str, float]:
    """Train with KenLM's own program and measure with its query module."""
    text = folder / "train.txt"
    text.write_text("".join(" ".join(s) + "\n" for s in train), encoding="utf-8")
    result = {}
    for order in ORDERS:
        arpa = folder / "theirs.arpa"
        command = [program, "-o", str(order), "-S", "1G", "-T", str(folder)]
        command += ["--text", str(text), "--arpa", str(arpa)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        model = kenlm.Model(str(arpa))
        log10 = [word[0] for s in test for word in model.full_scores(" ".join(s))]
        result[str(order)] = 10 ** -(math.fsum(log10) / len(log10))
    return result


def peak_bytes_per_ngram(train) -> float:
    """Return the peak of memory that fitting order 5 needs beyond the sentences, an n-gram."""
    tracemalloc.start()
    lm = NGramLM(5).fit(train)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return round(peak / sum(map(len, lm.levels)), 1)


def compare_with_nltk(train, test, n_tokens: int, repeats: int) -> dict[str, float]:
    """Fit nltk's models of order 3 on few sentences, compare Lidstone, time Kneser-Ney."""
    start = time.process_time()
    theirs = nltk.lm.KneserNeyInterpolated(3)
    theirs.fit(*padded_everygram_pipeline(3, train))
    fit_seconds = time.process_time() - start
    # one <s> a sentence, outside the vocabulary, because nothing predicts it
    vocabulary = nltk.lm.Vocabulary([word for s in train for word in s] + ["</s>"])
    lidstone = nltk.lm.Lidstone(0.1, 3, vocabulary=vocabulary)
    lidstone.fit([list(everygrams(["<s>", *s, "</s>"], max_len=3)) for s in train])
    ours, add_k = NGramLM(3).fit(train), NGramLM(3, "add-k", k=0.1).fit(train)

    known = [s for s in test if not add_k.is_unknown([s]).any()]
    probes = []
    for sentence in known:
        tokens = ["<s>", "<s>", *sentence, "</s>"]
        probes += [(tokens[i], tokens[i - 2 : i]) for i in range(2, len(tokens))]
    probes = probes[:n_tokens]
    expected = [
        lidstone.score(word, context[-1:] if context[0] == context[1] == "<s>" else context)
        for word, context in probes
    ]
    got = np.exp(add_k.log_probs(known))[: len(probes)]
    np.testing.assert_allclose(got, expected, rtol=1e-9)

    def slow() -> list[float]:
        return [theirs.score(word, context) for word, context in probes]

    seconds = interleave(
        {"ours": lambda: ours.log_probs(test), "nltk": slow}, repeats, time.process_time
    )
    ours_rate, theirs_rate = count(test) / seconds["ours"], len(probes) / seconds["nltk"]
    return {
        "train_sentences": len(train),
        "order": 3,
        "fit_tokens_per_cpu_second": round(count(train) / fit_seconds),
        "score_tokens_per_cpu_second": round(theirs_rate, 1),
        "ours_score_tokens_per_cpu_second": round(ours_rate),
        "score_ratio": round(ours_rate / theirs_rate),
    }


if __name__ == "__main__":
    main()
