"""Words as vectors: three ways to learn them from a text, and what to ask of them.

All three begin with which words stand near which (:mod:`ravm_course.text.vectors.cooccurrence`).
:mod:`ravm_course.text.vectors.pmi` compares those counts with chance and compresses the table;
:mod:`ravm_course.text.vectors.skipgram` (word2vec) learns to tell true pairs from invented ones;
:mod:`ravm_course.text.vectors.glove` fits the logarithms of the counts.

:mod:`ravm_course.text.vectors.space` answers questions: neighbours and analogies.
:mod:`ravm_course.text.vectors.alignment` turns two spaces so that they can be compared, and
:mod:`ravm_course.text.vectors.association` measures which words lie nearer to which.
"""

from ravm_course.text.vectors.alignment import procrustes
from ravm_course.text.vectors.association import Weat, weat
from ravm_course.text.vectors.cooccurrence import Corpus, count_pairs
from ravm_course.text.vectors.glove import GloVeConfig, train_glove
from ravm_course.text.vectors.pmi import pmi, ppmi, svd_vectors
from ravm_course.text.vectors.skipgram import SkipGramConfig, train_skipgram
from ravm_course.text.vectors.space import WordVectors

__all__ = [
    "Corpus",
    "GloVeConfig",
    "SkipGramConfig",
    "Weat",
    "WordVectors",
    "count_pairs",
    "pmi",
    "ppmi",
    "procrustes",
    "svd_vectors",
    "train_glove",
    "train_skipgram",
    "weat",
]
