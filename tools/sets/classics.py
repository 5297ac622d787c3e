"""Pack three classics of Chinese: Three Hundred Tang Poems, the Analects, the Book of Songs."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from archives import json_bytes, member, read_json, xz_bytes

SOURCES: tuple[str, ...] = ("chinese-poetry",)

LICENCE = """Classics in Chinese
===================

The texts are more than a thousand years old and in the public domain. They were taken from the npm
package chinese-poetry 2.0.1, under this licence:

"""

NOTE = (
    "Poems of the Three Hundred Tang Poems (traditional script, after the Complete Tang Poems), "
    "the Analects and the Book of Songs (simplified script: the source has no other, and "
    "characters cannot be turned into traditional ones singly). Left out: poems that the source "
    "has twice, among the ballads and under their author, or under two authors. Repaired: one "
    "title, punctuation. Known faults: the source has all poems of a cycle where the anthology "
    "takes one, and lacks its division by form; editions are not named. Its other file of them "
    "was not used: it is simplified text turned back by machine, with errors such as 徵人 for 征人 "
    "and 長幹 for 長干."
)

#: titles that the source has wrong
TITLES = {"在嶽詠蟬": "在獄詠蟬"}


#: poems that the source has a second time, under another author than the anthology's
DOUBLES = {
    ("故行宮", "王建"), ("寄人二首  其一", "張佖"), ("訪羊尊師", "孫革"), ("登樓", "朱斌"),
    ("頌古三十二首  其二三", "釋明辯"), ("赤壁", "李商隱"), ("春宮怨", "周朴"),
    ("歲除夜有懷", "孟浩然"), ("虢國夫人", "杜甫"), ("渡漢江", "宋之問"), ("新年作", "宋之問"),
    ("雜曲歌辭 蓋羅縫 一", "不詳"), ("雜曲歌辭 婆羅門", "楊敬述進"), ("度南澗", "蔡襄"),
    ("和張僕射塞下曲", "錢起"), ("和晉陵陸丞早春遊望", "韋應物"), ("賦得", "劉長卿"),
    ("送李端", "嚴維"),
}  # fmt: skip


def without_twice(poems: list[dict]) -> list[dict]:
    """Leave out each poem whose text is four fifths that of an earlier one by the same author."""
    kept: list[dict] = []
    for poem in poems:
        if (poem["title"], poem["author"]) in DOUBLES:
            continue
        text = "".join(poem["paragraphs"])
        same = (
            difflib.SequenceMatcher(None, "".join(other["paragraphs"]), text, autojunk=False)
            for other in kept
            if other["author"] == poem["author"]
        )
        if not any(match.quick_ratio() > 0.8 and match.ratio() > 0.8 for match in same):
            kept.append(poem)
    return kept


def clean(text: str) -> str:
    """Remove spaces and brackets around restored characters; make punctuation Chinese."""
    text = re.sub(r"[\s\[\]]+", "", text).replace("”,", "”")
    return text.translate(str.maketrans(",?:", "，？："))


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write ``classics/classics.json.xz`` below `out` and say what it is."""
    package = sources["chinese-poetry"]
    rows = []
    for poem in without_twice(read_json(package, "package/dist/quantangshi/唐诗三百首.json")):
        rows.append(
            {
                "title": TITLES.get(poem["title"], poem["title"]),
                "author": poem["author"],
                "text": "\n".join(clean(line) for line in poem["paragraphs"]),
                "collection": "tang300",
                "section": "唐詩三百首",
            }
        )
    for chapter in read_json(package, "package/dist/lunyu/lunyu.json"):
        rows.append(
            {
                "title": chapter["chapter"],
                "author": "孔子弟子",
                "text": "\n".join(clean(line) for line in chapter["paragraphs"]),
                "collection": "lunyu",
                "section": "论语",
            }
        )
    for song in read_json(package, "package/dist/shijing/shijing.json"):
        rows.append(
            {
                "title": song["title"],
                "author": "佚名",
                "text": "\n".join(clean(line) for line in song["content"]),
                "collection": "shijing",
                "section": f"{song['chapter']}·{song['section']}",
            }
        )
    file = out / "classics" / "classics.json.xz"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(xz_bytes(json_bytes(rows, lines=True)))
    licence = out / "licences" / "classics.txt"
    licence.parent.mkdir(parents=True, exist_ok=True)
    licence.write_bytes(LICENCE.encode("utf-8") + member(package, "package/LICENSE"))
    facts = {"licence": "MIT (the texts are in the public domain)"}
    facts["source"] = "npm chinese-poetry 2.0.1"
    return [
        {"file": "classics/classics.json.xz", **facts, "note": NOTE},
        {"file": "licences/classics.txt", **facts, "note": "licence of the package"},
    ]
