"""Write what the reference libraries say of fixed pairs of captions, for the tests of overlap.

sacrebleu, rouge-score and pycocoevalcap are used for nothing else, and the last weighs a hundred
megabytes, so they are no dependency; what they say is stored, with their versions. To do it again:

    python -m venv build/reference
    build/reference/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2 numpy
    build/reference/bin/pip install --no-deps pycocoevalcap==1.2
    build/reference/bin/python tools/reference_overlap.py
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import random
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def pairs(count: int, seed: int) -> list[tuple[str, list[str]]]:
    """Return written captions with one or two right ones: descriptions of flags, some disturbed."""
    rows = json.loads((ROOT / "ravm_course/data/files/countries/countries.json").read_text("utf-8"))
    texts = [row["flag_description"].split(";")[0] for row in rows if row["flag_description"]]
    texts = [" ".join(re.findall(r"[a-z0-9]+", text.lower())) for text in texts]
    rng, made = random.Random(seed), []
    for _ in range(count):
        right, other = rng.sample(texts, 2)
        words = right.split()
        kind = rng.randrange(4)
        if kind == 0:
            words = other.split()
        elif kind == 1:
            words[rng.randrange(len(words))] = rng.choice(other.split())
        elif kind == 2:
            words = words[: rng.randint(1, len(words))]
        made.append((" ".join(words), [right] if rng.random() < 0.6 else [right, other]))
    return made


def main() -> None:
    """Ask the libraries and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=ROOT / "tests/text/overlap_reference.json")
    options = parser.parse_args()

    import sacrebleu
    from pycocoevalcap.cider.cider_scorer import CiderScorer
    from rouge_score.rouge_scorer import RougeScorer

    made = pairs(60, seed=0)
    scorer = CiderScorer()
    for written, right in made:
        scorer += (written, right)
    scorer.compute_doc_freq()
    scorer.ref_len = math.log(len(made))
    cider = [float(value) for value in scorer.compute_cider()]
    rouge = RougeScorer(["rougeL"], use_stemmer=False)
    chrf = sacrebleu.CHRF(word_order=0)
    bleu = {}
    for order in (1, 2, 4):
        measure = sacrebleu.BLEU(tokenize="none", smooth_method="none", max_ngram_order=order)
        streams = [[right[0] for _, right in made], [right[-1] for _, right in made]]
        bleu[str(order)] = measure.corpus_score([w for w, _ in made], streams).score / 100
    record = {
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("sacrebleu", "rouge-score", "pycocoevalcap")
        },
        "bleu": bleu,
        "pairs": [
            {
                "written": written,
                "right": right,
                "cider": cider[i],
                "rouge_l": rouge.score(right[0], written)["rougeL"].fmeasure,
                "chrf": chrf.corpus_score([written], [[right[0]]]).score / 100,
            }
            for i, (written, right) in enumerate(made)
        ],
    }
    text = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True)
    options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
