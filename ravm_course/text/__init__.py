"""Models of text that count, and the ways to cut text into what is counted.

n-grams (:mod:`ravm_course.text.ngram`) stand on three smaller ideas: tables of counts
(:mod:`ravm_course.text.counts`), smoothing (:mod:`ravm_course.text.smoothing`) and looking up with
back-off (:mod:`ravm_course.text.lookup`); :mod:`ravm_course.text.arpa` is their file format.
Hidden Markov models (:mod:`ravm_course.text.hmm`) stand on sweeps over all paths of their states
(:mod:`ravm_course.text.trellis`); which word translates which is hidden as well
(:mod:`ravm_course.text.alignment`).

How predictable a text is can be measured without a model of one's own: entropy and its relatives
(:mod:`ravm_course.text.information`) from counts, and Shannon's game
(:mod:`ravm_course.text.guessing`) with a reader.

Cutting raw text is the subject of :mod:`ravm_course.text.tokenizer`, byte-pair encoding on bytes:
:mod:`ravm_course.text.pretokenise` cuts between words, :mod:`ravm_course.text.bpe_train` learns
merges, :mod:`ravm_course.text.bpe_apply` applies them, :mod:`ravm_course.text.tokenizer_files`
reads and writes them. Before that comes preparing a corpus: :mod:`ravm_course.text.normalise`, and
repetitions found by :mod:`ravm_course.text.minhash` and :mod:`ravm_course.text.near_duplicates`.

Words get vectors in :mod:`ravm_course.text.vectors`, from the company that they keep.
"""
