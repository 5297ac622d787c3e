"""Split English text into sentences and tokens by rule, and speeches into training and test sets.

The rules fit the texts that ship with the course (the speeches and the novel) and fit on a page, so
that a reader can see what they do. Known faults: an abbreviation that ends a sentence ("in the
U.S. We ...") is not taken as its end; a title not in `TITLES` is; headings glued to the text, which
the source of the speeches has lost, begin a sentence in the middle; hyphens always stand alone,
because in many speeches a hyphen is a lost dash ("Union-how").

Speeches are split whole: sentences of one speech share topics, names and phrases, and must not
stand on both sides.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from ravm_course.data.speeches import Speech

#: abbreviations that stand before a name or a number and do not end a sentence
TITLES = frozenset(
    {"Mr", "Mrs", "Ms", "Messrs", "Dr", "St", "Hon", "Rev", "Gen", "Col", "Maj", "Capt", "Lieut"}
    | {"Lt", "Sgt", "Brig", "Adm", "Prof", "Sen", "Rep", "Gov", "Jr", "Sr", "No", "Nos", "vol"}
    | {"Vol", "pp", "art", "Art", "sec", "Sec", "cf", "viz"}
)

#: four eras of the speeches, each as its first and last year
ERAS = ((1790, 1849), (1850, 1909), (1910, 1959), (1960, 2021))

_TOKEN = re.compile(
    r"(?:[A-Za-z]\.){2,}"  # U.S., D.C.
    r"|\d+(?:[.,]\d+)*(?:st|nd|rd|d|th|s)?\b"  # 1,234.56  21st  1930s
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"  # words: don't, nation's
    r"|\d+"
    r"|\.\.\.+"
    r"|[^\w\s]"
)
_CLOSING = frozenset("\"')]”’")
_OPENING = frozenset("\"'([“‘$—")


def split_sentences(text: str, *, lower: bool = True) -> list[list[str]]:
    """Split a text into sentences, each a list of words, numbers and punctuation marks.

    A sentence ends at ``.``, ``?`` or ``!``, with the closing quotes and brackets behind it, when
    white space and something other than a lower-case letter follow, and at every blank line.
    A full stop after one of `TITLES` or after a single capital letter other than ``I`` ends none.

    Parameters
    ----------
    text
        Running English text. An empty one gives no sentences.
    lower
        Write all tokens in lower case (after the ends of sentences have been found).

    Returns
    -------
    list of list of str
        No sentence and no token is empty.

    Examples
    --------
    >>> split_sentences("Mr. Polk paid $15,000,000. It wasn't much-or was it?")
    [['mr.', 'polk', 'paid', '$', '15,000,000', '.'],
     ['it', "wasn't", 'much', '-', 'or', 'was', 'it', '?']]
    >>> split_sentences("“Call me Ishmael.” He did.", lower=False)
    [['“', 'Call', 'me', 'Ishmael', '.', '”'], ['He', 'did', '.']]
    """
    sentences = []
    for paragraph in re.split(r"\n\s*\n", text):
        sentences += _split_paragraph(paragraph)
    if lower:
        sentences = [[token.lower() for token in sentence] for sentence in sentences]
    return sentences


def _split_paragraph(text: str) -> list[list[str]]:
    found = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    sentences: list[list[str]] = []
    sentence: list[str] = []
    ended = False  # an end mark was seen, and only closing marks since
    for i, (token, start, _) in enumerate(found):
        spaced = i == 0 or found[i - 1][2] < start
        if ended and spaced and not token[0].islower():
            sentences.append(sentence)
            sentence, ended = [], False
        if token == "." and sentence and not spaced and _is_title(sentence[-1]):
            sentence[-1] += "."
            continue
        sentence.append(token)
        if token in (".", "?", "!"):
            ended = True
        elif not (ended and token in _CLOSING and not spaced):
            ended = False
    if sentence:
        sentences.append(sentence)
    return sentences


def _is_title(word: str) -> bool:
    return word in TITLES or (len(word) == 1 and word.isupper() and word != "I")


def sentence_texts(text: str) -> list[str]:
    """Return the sentences of :func:`split_sentences` as they stand in the text.

    Parameters
    ----------
    text
        Running English text.

    Returns
    -------
    list of str
        One string a sentence, with its own capitals and spaces.

    Examples
    --------
    >>> sentence_texts("Mr. Polk paid $15,000,000. It wasn't much-or was it?")
    ['Mr. Polk paid $15,000,000.', "It wasn't much-or was it?"]
    """
    found, place = [], 0
    for sentence in split_sentences(text, lower=False):
        begin = text.index(sentence[0], place)
        place = begin
        for token in sentence:
            place = text.index(token, place) + len(token)
        found.append(text[begin:place])
    return found


def era(year: int) -> int:
    """Return the index into `ERAS` of a year.

    Examples
    --------
    >>> era(1863), ERAS[era(1863)]
    (1, (1850, 1909))
    """
    for index, (first, last) in enumerate(ERAS):
        if first <= year <= last:
            return index
    raise ValueError(f"year is {year}, but the speeches run from {ERAS[0][0]} to {ERAS[-1][1]}.")


#: The years whose speech shares at least 20 sequences of 13 words with another one: presidents
#: quote and copy (1867 and 1868 share 1,385). A test holds this list equal to the texts.
QUOTING_YEARS = frozenset(
    {1796, 1797, 1798, 1807, 1808, 1829, 1830, 1837, 1844, 1845, 1846, 1847, 1848, 1854, 1855}
    | {1857, 1858, 1859, 1860, 1863, 1864, 1865, 1867, 1868, 1870, 1871, 1872, 1875, 1878, 1879}
    | {1882, 1889, 1891, 1893, 1894, 1896, 1897, 1898, 1899, 1900, 1902, 1903, 1904, 1905, 1906}
    | {1907, 1909, 1910, 1911, 1929, 1944, 1945, 1946, 1949, 1953, 1975, 1990}
)


def speech_split(
    speeches: Sequence[Speech], *, seed: int = 0
) -> tuple[tuple[Speech, ...], tuple[Speech, ...], tuple[Speech, ...]]:
    """Split the speeches, whole, into training, validation and test sets.

    Every decade gives two speeches to the test set and one to the validation set (the two speeches
    of the 2020s count with the 2010s; the 1900s have none left for validation), so that each of
    the four `ERAS` has 10 to 12 test speeches. Speeches of `QUOTING_YEARS` are never drawn: what
    they share with others stays within the training set.

    Parameters
    ----------
    speeches
        All of :func:`ravm_course.data.speeches.load_speeches`, or some of them.
    seed
        Which speeches are drawn.

    Returns
    -------
    train, validation, test : tuple of Speech
        Disjoint, each in the order of `speeches`; together all of them.

    Examples
    --------
    >>> from ravm_course.data.speeches import load_speeches
    >>> [len(part) for part in speech_split(load_speeches())]
    [165, 22, 46]
    """
    rng = random.Random(seed)
    decades: dict[int, list[int]] = {}
    for index, speech in enumerate(speeches):
        if speech.year not in QUOTING_YEARS:
            decades.setdefault(min(speech.year // 10, 201), []).append(index)
    validation, test = set(), set()
    for _, indices in sorted(decades.items()):
        drawn = rng.sample(indices, len(indices))
        test.update(drawn[:2])
        validation.update(drawn[2:3])
    train = set(range(len(speeches))) - validation - test
    return tuple(
        tuple(speeches[index] for index in sorted(part)) for part in (train, validation, test)
    )


def shared_ngrams(
    texts: Iterable[Sequence[str]], others: Iterable[Sequence[str]], *, n: int = 13
) -> list[int]:
    """Count, for each text, how many of its word sequences of length `n` occur in the other texts.

    This is the usual test for contamination (Brown et al. 2020, appendix C, use 13 words).

    Parameters
    ----------
    texts, others
        Texts as lists of words; each sequence counts as often as it occurs in the text.
    n
        Length of the sequences, at least 1.

    Returns
    -------
    list of int
        One count for each of `texts`.

    Examples
    --------
    >>> shared_ngrams([["we", "the", "people"]], [["all", "the", "people"]], n=2)
    [1]
    """
    if n < 1:
        raise ValueError(f"n is {n}: a sequence has at least 1 word.")
    known = {tuple(words[k : k + n]) for words in others for k in range(len(words) - n + 1)}
    return [
        sum(tuple(words[k : k + n]) in known for k in range(len(words) - n + 1)) for words in texts
    ]
