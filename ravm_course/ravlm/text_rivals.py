"""Answer questions about the Factbook's entries without training: what a reader has to beat.

Two rivals. A *table* of regular expressions, written by somebody who had read many entries: key
words of the question choose the relation, and a pattern finds the answer in a paragraph that looks
right. (Paragraphs carry no names, so each has to be recognised; the table knows their order.)
*BM25* picks the paragraph that has the question's rarer words (Robertson and Zaragoza, "The
probabilistic relevance framework: BM25 and beyond", Foundations and Trends in Information
Retrieval, 2009) and answers with its first item.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from ravm_course.data.facts import tokens

#: words that give a question away, in the order in which they are tried. An English key begins
#: where a word begins ("earn" is not found in "learn"), and may be the beginning of a longer word
#: where nothing says otherwise ("export" is found in "exports", "sum" not in "summit").
KEYS: dict[str, str] = {
    "export_value": r"\b(?:worth|value|dollars|amount|earn|revenue|money|how much|sum\b)"
    "|额|值|收入|多少钱",
    "export_partner": r"\b(?:partner|buyer|buys|customer|market|destination|which country.*export"
    "|where.*export|imports)|伙伴|市场|目的地|对象国|哪个国家.*出口|出口.*哪",
    "export": r"\b(?:export|abroad|sell|sold\b)|出口|卖",
    "independence_from": r"\b(?:from whom|from which|from what|whose rule|who governed|who held"
    "|colony|ruler|ruled|belong.*independ|separate)"
    "|宗主|谁.*独立|从哪|脱离|统治|独立.*属于|管辖",
    "independence_year": r"\b(?:independen|sovereign)|独立",
    "elevation": r"\b(?:how high|how tall|height|altitude|elevat|metres)|多高|海拔|高度|多少米",
    "highest_point": r"\b(?:peak|mountain|summit|highest|tallest|hill)|最高|山|峰",
    "holiday": r"\b(?:holiday|national day|celebrat)|国庆|节日",
    "anthem": r"\b(?:anthem|hymn|song)|国歌",
    "language": r"\b(?:language|tongue|spoken)|语言",
    "religion": r"\b(?:religio|faith|church|believ)|宗教|信",
    "region": r"\b(?:where|region|part of|located|location|situated|globe)"
    "|哪里|地区|位于|区域|地理",
}

#: what the paragraph looks like, and where in it the answer stands
_PATTERNS: dict[str, tuple[str, str]] = {
    "region": (
        "Ocean|Sea|border|between|north of|south of|east of|west of|island|peninsula",
        r"^([A-Z][\w -]+?)(?=,|;| b)",
    ),
    "highest_point": (r"\d m$", r"^([^\d(]+?) (?:\(|[\d,]+ m$)"),
    "elevation": (r"\d m$", r"([\d,]+ m)$"),
    "independence_year": (r"\d{4} \(|independen|^\d{1,2} [A-Z][a-z]+ \d{4}", r"(\d{4})"),
    "independence_from": (r"\(from", r"\(from (?:the )?([^);,]+)"),
    "holiday": (r"\b(?:Day|Birthday|Holiday|anniversary)\b", r"(\d{1,2} [A-Z][a-z]+)"),
    "anthem": ('^"', '^"([^"]+)"'),
    "language": (r"\(official", r"([A-Z][\w-]+(?: [A-Z][\w-]+)*) (?:[\d.]+% )?\(official"),
    "religion": (
        "Christian|Catholic|Protestant|Orthodox|Muslim|Buddhis|Hindu|Jewish|Lutheran|Anglican",
        r"^([A-Z][\w -]+?)(?= \(| [<~]?\d|,|;|$)",
    ),
    # sums end an entry, before them stand the partners, before these the goods
    "export": (r"^(?!\$)(?!.*\d% ?.*\(\d{4}.*\)$)", r"^([^,;(\d]+?)(?= \d|,|;| \(|$)"),
    "export_partner": (r"%.*\(\d{4}", r"^([A-Z][A-Za-z. ]+?) [\d.]+%"),
    "export_value": (r"^\$", r"^(\$[\d.,]+ \w+)"),
}
_FROM_THE_END = ("export", "export_partner", "export_value")


def relation_of(question: str) -> str | None:
    """Return the relation whose key words stand in a question, or None.

    Examples
    --------
    >>> relation_of("Name the highest peak."), relation_of("Is this a nice flag?")
    ('highest_point', None)
    """
    text = question.lower()
    return next((relation for relation, keys in KEYS.items() if re.search(keys, text)), None)


def by_table(question: str, passage: str) -> str:
    r"""Answer by key words and patterns; empty where the table finds nothing.

    Examples
    --------
    >>> by_table("What is the official language?", "Muslim 99%\nArabic (official), French")
    'Arabic'
    """
    relation = relation_of(question)
    return "" if relation is None else look_up(relation, passage)


def look_up(relation: str, passage: str) -> str:
    r"""Answer by the patterns of a given relation; empty where they find nothing.

    Parameters
    ----------
    relation
        A key of :data:`KEYS`.
    passage
        Paragraphs that end with a line, in the order of the Factbook.

    Examples
    --------
    >>> look_up("religion", "Its history.\nMuslim 99%\nArabic (official), French")
    'Muslim'
    """
    looks, pattern = _PATTERNS[relation]
    paragraphs = passage.split("\n")
    paragraphs = [*paragraphs[1:], *paragraphs[:1]]  # the history comes first and is read last
    if relation in _FROM_THE_END:
        paragraphs = passage.split("\n")[::-1]
    for paragraph in paragraphs:
        if re.search(looks, paragraph) and (match := re.search(pattern, paragraph)):
            return match[1].strip()
    return ""


def plain_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without its punctuation marks.

    Examples
    --------
    >>> plain_words("Muslim 99%, other")
    ['muslim', '99', 'other']
    """
    words = (word.lower() for word, *_ in tokens(text))
    return [word for word in words if any(letter.isalnum() for letter in word)]


def bm25_paragraph(question: str, passage: str, *, k1: float = 1.2, b: float = 0.75) -> int | None:
    r"""Return which paragraph BM25 ranks first, counted from 0; None if no word is shared.

    Parameters
    ----------
    question, passage, k1, b
        As for :func:`by_bm25`.

    Examples
    --------
    >>> bm25_paragraph("Which official language?", "Muslim 99%\nArabic (official), French")
    1
    """
    paragraphs = passage.split("\n")
    bags = [Counter(plain_words(text)) for text in paragraphs]
    mean = sum(bag.total() for bag in bags) / len(bags) or 1.0
    scores = [0.0] * len(bags)
    for word in sorted(set(plain_words(question))):
        holds = sum(word in bag for bag in bags)
        weight = math.log(1 + (len(bags) - holds + 0.5) / (holds + 0.5))
        for i, bag in enumerate(bags):
            length = k1 * (1 - b + b * bag.total() / mean)
            scores[i] += weight * bag[word] * (k1 + 1) / (bag[word] + length)
    return None if max(scores) == 0 else scores.index(max(scores))


def first_item(paragraph: str) -> str:
    """Return a paragraph up to the first comma, semicolon, bracket or number.

    Examples
    --------
    >>> first_item("Arabic (official), French")
    'Arabic'
    """
    return re.split(r"[,;(]| \d", paragraph)[0].strip()


def by_bm25(question: str, passage: str, *, k1: float = 1.2, b: float = 0.75) -> str:
    r"""Answer with the first item of the paragraph that BM25 ranks first.

    Parameters
    ----------
    question, passage
        Texts; paragraphs end with a line. Punctuation marks are no words.
    k1, b
        How soon further occurrences stop counting, and how much long paragraphs are held back; the
        usual values.

    Returns
    -------
    str
        Up to the first comma, semicolon, bracket or number; empty if no word is shared.

    Examples
    --------
    >>> by_bm25("Which official language?", "Muslim 99%\nArabic (official), French")
    'Arabic'
    """
    best = bm25_paragraph(question, passage, k1=k1, b=b)
    return "" if best is None else first_item(passage.split("\n")[best])
