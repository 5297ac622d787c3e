"""Measure what pretraining is worth: two tasks, few labels, with every control of chapter 9.

Labels are drawn at random for each seed, for the eras from the training speeches, for the order of
words from the validation speeches; every method of one seed gets the same ones. Test sentences come
from the test speeches, which neither the labels nor the pretraining nor the tokenizer has seen.
Settings (learning rates, strength of regularisation) were chosen on sentences of the validation
speeches, at 300 labels of the era, see ``--choose``.

The share of right answers is stored for each test speech, method, number of labels and seed. What
was measured already is not measured again:

    OMP_NUM_THREADS=1 python tools/measure_transfer.py
    OMP_NUM_THREADS=1 python tools/measure_transfer.py --choose
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ravm_course.data import atomic, load_speeches
from ravm_course.data.sentences import speech_split, split_sentences
from ravm_course.lm import token_log_probs
from ravm_course.lm.finetune import (
    TextClassifier,
    classify,
    in_batches,
    text_vectors,
    train_classifier,
)
from ravm_course.lm.pretraining import KINDS, WINDOW, load_pretrained, new_model
from ravm_course.lm.speech_tasks import Example, draw_balanced, era_examples, order_examples
from ravm_course.text.ngram import NGramLM
from ravm_course.text.vectors import Corpus, WordVectors, count_pairs, ppmi, svd_vectors

ROOT = Path(__file__).resolve().parents[1]
LABELS = (100, 300, 1000)
STEPS = {100: 60, 300: 100, 1000: 140}
#: learning rates of the four ways and of a model that was not pretrained, and strengths C of
#: logistic regression: chosen on the validation speeches
LR = {"full": 1e-3, "top": 1e-3, "lora": 1e-2, "scratch": 3e-3}
C = {
    "tf-idf words": 0.1,
    "tf-idf pairs": 0.1,
    "tf-idf letters": 0.1,
    "lsa": 0.1,
    "word vectors": 1.0,
    "word unweighted": 3.0,
    "word standardised": 0.1,
    "frozen": 0.001,
    "surprise": 1.0,
}
WORDS = r"(?u)\b\w+\b|[^\w\s]"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, default=5, help="draws of labels (%(default)s)")
    add("--per-speech", type=int, default=20, help="test sentences of a speech (%(default)s)")
    add("--choose", action="store_true", help="print what settings reach on validation speeches")
    add("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    add(
        "--output",
        type=Path,
        default=ROOT / "ravm_course" / "checkpoints" / "objective-transfer.json",
        help="(%(default)s)",
    )
    return parser.parse_args(arguments)


class Bench:
    """The sentences of both tasks, and every method that answers them."""

    def __init__(self, per_speech: int, held_out: int):
        train, *others = speech_split(load_speeches())
        self.train, self.pool = train, era_examples(train)
        self.unread = era_examples(others[0])
        era = era_examples(others[held_out], per_speech)
        self.test = {"era": era, "order": order_examples(era, both=True)}
        self.speeches = load_pretrained("gpt")[1]
        self._tokens: dict[str, list[int]] = {}
        self._remembered: dict[str, dict[str, np.ndarray]] = {}
        self._lsa = self._trigrams = self._words = None

    def tokens(self, examples: Sequence[Example]) -> list[list[int]]:
        """Return the tokens of sentences, at most a window's."""
        for text in {example.text for example in examples} - self._tokens.keys():
            self._tokens[text] = self.speeches.tokenizer.encode(" " + text)[:WINDOW]
        return [self._tokens[example.text] for example in examples]

    def labelled(self, task: str, count: int, seed: int) -> list[Example]:
        """Draw labelled sentences; for the order from speeches that no language model has read.

        A model is not surprised by what it has read, whatever the order of other sentences.
        """
        if task == "era":
            return draw_balanced(self.pool, count, seed=seed)
        more = draw_balanced(self.unread, 2 * count, seed=seed)
        return order_examples(more, both=False, seed=seed)[:count]

    def lsa(self):
        """Return TF-IDF and 128 singular vectors of all training sentences, without labels."""
        if self._lsa is None:
            self._lsa = make_pipeline(
                TfidfVectorizer(token_pattern=WORDS, sublinear_tf=True, min_df=3),
                TruncatedSVD(128, random_state=0),
            ).fit([example.text for example in self.pool])
        return self._lsa

    def word_means(self, texts: Sequence[str], weighted: bool = True) -> np.ndarray:
        """Return the mean of the word vectors of chapter 5 in each text, at unit length.

        64 singular vectors of the positive pointwise mutual information of the training speeches'
        words, each of unit length; weighted by TF-IDF, or once for each time that it occurs.
        """
        if self._words is None:
            sentences = [s for speech in self.train for s in split_sentences(speech.text)]
            corpus = Corpus.from_sentences(sentences, min_count=20)
            associated = ppmi(count_pairs(corpus, 5), context_power=0.75)
            unit = WordVectors(corpus.words, svd_vectors(associated, 64)).unit
            weigh = TfidfVectorizer(
                analyzer=lambda words: words, sublinear_tf=True, vocabulary=list(corpus.words)
            ).fit(sentences)
            count = CountVectorizer(
                analyzer=lambda words: words, vocabulary=list(corpus.words), dtype=np.float64
            )
            self._words = {True: weigh, False: count}, unit
        weigh, unit = self._words
        words = [[*chain.from_iterable(split_sentences(text))] for text in texts]
        mean = weigh[weighted].transform(words) @ unit
        return mean / np.linalg.norm(mean, axis=1, keepdims=True).clip(1e-12)

    def answer(self, task: str, method: str, count: int, seed: int, **settings) -> np.ndarray:
        """Return what a method answers to the test sentences."""
        labelled, test = self.labelled(task, count, seed), self.test[task]
        labels = [example.label for example in labelled]
        texts, asked = ([example.text for example in part] for part in (labelled, test))
        kind, _, way = method.partition(" ")
        if kind == "word":
            head = regression(settings.get("c", C[method]))
            if way == "standardised":
                head = make_pipeline(StandardScaler(), head)
            known, new = (self.word_means(part, way != "unweighted") for part in (texts, asked))
            return head.fit(known, labels).predict(new)
        if kind in ("tf-idf", "lsa"):
            if kind == "lsa":
                features = self.lsa()
                head = make_pipeline(StandardScaler(), regression(settings.get("c", C["lsa"])))
                return head.fit(features.transform(texts), labels).predict(
                    features.transform(asked)
                )
            head = make_pipeline(counter(way), regression(settings.get("c", C[method])))
            return head.fit(texts, labels).predict(asked)
        end = self.speeches.end
        if way in ("frozen", "table"):
            head = make_pipeline(StandardScaler(), regression(settings.get("c", C["frozen"])))
            known, new = (self.vectors(kind, part, way) for part in (labelled, test))
            return head.fit(known, labels).predict(new)
        if way == "surprise":
            head = make_pipeline(StandardScaler(), regression(settings.get("c", C["surprise"])))
            known, new = (self.surprise(kind, part) for part in (labelled, test))
            return head.fit(known, labels).predict(new)
        torch.manual_seed(seed)
        classifier = TextClassifier(self.encoder(kind, seed), max(labels) + 1, way)
        lr = settings.get("lr", LR["scratch" if kind == "untrained" else way])
        train_classifier(
            classifier, self.tokens(labelled), labels, steps=STEPS[count], lr=lr, filler=end,
            seed=seed,
        )  # fmt: skip
        return classify(classifier, self.tokens(test), end)

    def remembered(
        self, name: str, examples: Sequence[Example], compute: Callable[[list[Example]], np.ndarray]
    ) -> np.ndarray:
        """Return a row for each sentence, each computed once."""
        known = self._remembered.setdefault(name, {})
        new = list({e.text: e for e in examples if e.text not in known}.values())
        if new:
            known.update(zip([example.text for example in new], compute(new), strict=True))
        return np.stack([known[example.text] for example in examples])

    def vectors(self, kind: str, examples: Sequence[Example], way: str) -> np.ndarray:
        """Return the pooled vectors of sentences: of the last layer, or of the token table."""

        def compute(new: list[Example]) -> np.ndarray:
            encoder, texts = self.encoder(kind, 0), self.tokens(new)
            if way == "table":
                table = encoder.token.weight.detach().numpy()
                return np.stack([table[ids].mean(axis=0) for ids in texts])
            return in_batches(lambda *x: text_vectors(encoder, *x), texts, self.speeches.end)

        return self.remembered(f"{kind} {way}", examples, compute)

    def surprise(self, kind: str, examples: Sequence[Example]) -> np.ndarray:
        """Return how surprised a language model is by sentences: five numbers each."""

        def compute(new: list[Example]) -> np.ndarray:
            texts = self.tokens(new)
            if kind == "gpt":
                model, end = self.encoder(kind, 0), self.speeches.end
                logs = [
                    token_log_probs(model, torch.tensor(ids), begin=end).numpy() for ids in texts
                ]
            else:
                if self._trigrams is None:
                    read = [list(map(str, ids)) for ids in self.tokens(self.pool)]
                    self._trigrams = NGramLM(3).fit(read)
                logs = [self._trigrams.log_probs([list(map(str, ids))])[:-1] for ids in texts]
            return np.array([[row.mean(), row.std(), *np.sort(row)[:2], len(row)] for row in logs])

        return self.remembered(f"{kind} surprise", examples, compute)

    @staticmethod
    def encoder(kind: str, seed: int) -> torch.nn.Module:
        """Return a pretrained model, or an untrained GPT."""
        if kind in KINDS:
            return load_pretrained(kind)[0]
        return new_model("gpt", load_pretrained("gpt")[0].config.vocab_size, seed=seed + 1).eval()

    def right(self, task: str, *arguments, **settings) -> list[float]:
        """Return the share of right answers in each test speech."""
        test = self.test[task]
        answers = self.answer(task, *arguments, **settings)
        hits = answers == np.array([example.label for example in test])
        speech = np.array([example.speech for example in test])
        return [round(float(hits[speech == s].mean()), 4) for s in sorted(set(speech))]


def counter(what: str) -> TfidfVectorizer:
    """Return what counts words, also pairs of words, or sequences of 2 to 5 letters in words."""
    if what == "letters":
        return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    reach = (1, 2) if what == "pairs" else (1, 1)
    return TfidfVectorizer(token_pattern=WORDS, sublinear_tf=True, ngram_range=reach)


def regression(c: float) -> LogisticRegression:
    """Return the linear classifier on top of features that do not learn."""
    return LogisticRegression(C=c, max_iter=2000)


METHODS = (
    *("tf-idf words", "tf-idf pairs", "tf-idf letters", "lsa words", "word vectors"),
    *("word unweighted", "word standardised"),
    *("untrained frozen", "gpt table", "bert table", "gpt frozen", "bert frozen"),
    *("trigram surprise", "gpt surprise"),
    *("untrained full", "gpt top", "gpt lora", "gpt full", "bert full"),
    *("t5 frozen", "t5 full"),
)


def counts_of(task: str, method: str) -> tuple[int, ...]:
    """Return with how many labels a method is measured: dear ones on the order with most only."""
    if task == "era" or method.split()[1] not in ("full", "lora", "top"):
        return LABELS if method.split()[1] != "surprise" or task == "order" else ()
    return LABELS[-1:] if method in ("untrained full", "gpt full") else ()


def choose(bench: Bench) -> None:
    """Print what settings reach on the validation speeches, at the first draw of 300 labels."""
    grid = [
        *((f"tf-idf {what}", "c", [0.03, 0.1, 0.3, 1.0]) for what in ("words", "pairs", "letters")),
        ("lsa words", "c", [0.01, 0.1, 1.0]),
        ("word vectors", "c", [0.3, 1.0, 3.0, 10.0, 30.0]),
        ("word unweighted", "c", [0.3, 1.0, 3.0, 10.0, 30.0]),
        ("word standardised", "c", [0.001, 0.01, 0.1, 1.0]),
        ("gpt frozen", "c", [0.001, 0.01, 0.1]),
        ("bert frozen", "c", [0.001, 0.01, 0.1]),
        ("gpt full", "lr", [3e-4, 1e-3]),
        ("untrained full", "lr", [1e-3, 3e-3]),
        ("gpt lora", "lr", [3e-3, 1e-2]),
        ("gpt top", "lr", [1e-3, 3e-3]),
    ]
    for method, name, values in grid:
        for task in ("era", "order"):
            found = {
                value: float(np.mean(bench.right(task, method, 300, 0, **{name: value})).round(3))
                for value in values
            }
            print(task, method, name, found, flush=True)


def main() -> None:
    """Measure what is not stored yet."""
    options = parse()
    torch.set_num_threads(options.threads)
    if options.choose:
        choose(Bench(options.per_speech, held_out=0))
        return
    bench = Bench(options.per_speech, held_out=1)
    stored = {"right": {}}
    if options.output.exists():
        stored = json.loads(options.output.read_text(encoding="utf-8"))
    stored |= {
        "command": "python tools/measure_transfer.py",
        "per_speech": options.per_speech,
        "steps": STEPS,
        "lr": LR,
        "c": C,
        "sentences": {task: len(test) for task, test in bench.test.items()},
    }
    for seed in range(options.seeds):
        for method in METHODS:
            for task in bench.test:
                by_count = stored["right"].setdefault(task, {}).setdefault(method, {})
                for count in counts_of(task, method):
                    seeds = by_count.setdefault(str(count), [])
                    if len(seeds) > seed:
                        continue
                    seeds.append(bench.right(task, method, count, seed))
                    atomic.write_text(options.output, json.dumps(stored, sort_keys=True) + "\n")
                    print(seed, task, method, count, f"{np.mean(seeds[seed]):.3f}", flush=True)


if __name__ == "__main__":
    main()
