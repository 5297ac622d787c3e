"""The flags of countries as openmoji, twemoji and emojione draw them, by ISO 3166 code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from archives import json_bytes
from fetch import pinned

from sets import _emoji
from sets.emoji import AUTHORS, CHANGES, provenance

STYLES = ("openmoji", "twemoji", "emojione")
SOURCES = (*STYLES, *_emoji.TABLES)


def iso2(codepoint: str) -> str | None:
    """Return the two letters that a pair of regional indicators spells, or None."""
    parts = [int(part, 16) - 0x1F1E6 for part in codepoint.split("-")]
    if len(parts) != 2 or not all(0 <= part < 26 for part in parts):
        return None
    return "".join(chr(ord("A") + part) for part in parts)


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write one sheet a style, and the codes of its tiles."""
    (out / "flags").mkdir(parents=True)
    table = [row for row in _emoji.concepts(sources) if row["group"] == "flags"]
    by_name = _emoji.names(sources, table)
    records, index = [], {}
    for style in STYLES:
        icons = _emoji.Icons(sources[style], table, by_name)
        tiles: dict[str, np.ndarray] = {}
        for row in table:
            code = iso2(row["codepoint"])
            if code and row["codepoint"] in icons.name:
                tiles[code] = _emoji.render(icons.svg(row["codepoint"]))
        codes = sorted(tiles)
        sheet = _emoji.sheet_bytes([tiles[code] for code in codes], **_emoji.LOSSY)
        (out / f"flags/{style}.webp").write_bytes(sheet)
        index[style] = codes
        records.append(
            {
                "file": f"flags/{style}.webp",
                "licence": pinned()[style]["licence"],
                "source": provenance(style),
                "note": f"{len(codes)} flags: {AUTHORS[style]}. {CHANGES}",
            }
        )
    (out / "flags/index.json").write_bytes(json_bytes(index))
    note = "ISO 3166 code of each tile of a sheet"
    records.append(
        {"file": "flags/index.json", "licence": "MIT", "source": "this course", "note": note}
    )
    return records
