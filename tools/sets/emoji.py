"""The emoji of eight artists: sheets of pictures, the table of concepts, and the splits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from archives import json_bytes, member, spdx_text
from fetch import pinned

from sets import _emoji, _emoji_splits

SOURCES = (*_emoji.ARTISTS, *_emoji.TABLES, "spdx")

# Seen by eye on contact sheets: (artist, code point) whose drawing shows something else.
WRONG = {
    ("noto-v1", "1f997"): "a cricket bat",
    ("noto-v1", "0023-20e3"): "a blank key",
    ("openmoji", "1f4dc"): "a mouse with a scroll wheel",
    ("fxemoji", "1f621"): "a pouting person",
    ("fxemoji", "1f64e"): "an enraged face",
    ("fxemoji", "1f44b"): "a wave of water",
    ("fxemoji", "1f53d"): "a hand pointing down",
    ("fxemoji", "1f199"): "a hand pointing up",
    ("fxemoji", "1f3f9"): "a bow of ribbon",
    ("fxemoji", "1fa9f"): "a window of a computer screen",
    ("fxemoji", "2328"): "a musical keyboard",
    ("fxemoji", "1f3b2"): "a domino",
    ("fxemoji", "1f6a7"): "a building under construction",
    ("fxemoji", "1f68b"): "a black shape, its SVG does not render",
    ("emojione", "1f997"): "a cricket bat",
    ("emojione-v1", "1fa9f"): "a window of a computer screen",
    ("emojione-v1", "2328"): "a musical keyboard",
    ("emojione-v1", "1f6e1"): "a highway sign",
}

AUTHORS = {
    "noto": "Noto Emoji, Google Inc.",
    "noto-v1": "Noto Emoji (version 1, the “blobs”), Google Inc.",
    "twemoji": "Twemoji, Twitter, Inc. and other contributors, maintained by jdecked",
    "fluent-emoji-flat": "Fluent Emoji (flat), Microsoft Corporation",
    "fxemoji": "FxEmojis, Mozilla Foundation",
    "emojione": "EmojiOne 2 / Emojitwo, Ranks.com Inc. and contributors",
    "emojione-v1": "EmojiOne 1, Ranks.com Inc.",
    "openmoji": "OpenMoji, the open-source emoji project of HfG Schwäbisch Gmünd",
}
CHANGES = (
    "Changed: rendered on white at 128 x 128 pixels, reduced to 64 x 64, packed as lossy WebP of "
    "quality 90."
)
FIELDS = ("codepoint", "emoji", "group", "subgroup", "name_en", "name_zh", "keywords_en")
FIELDS += ("keywords_zh",)


def provenance(key: str) -> str:
    """Return client, package and version of a source, for the manifest."""
    record = pinned()[key]
    registry = {"npm": "npm", "pip": "PyPI", "apt": "Debian"}[record["client"]]
    return f"{registry} {record['package']} {record['version']}"


def attribution() -> str:
    """Return the notice that the artists' licences ask for, with sources and changes."""
    lines = [
        "The pictures in emoji/ and flags/ are by these artists. "
        "Each file holds the work of one and",
        "stands under that artist's licence, whose text lies beside this notice.",
        "",
    ]
    for artist, author in AUTHORS.items():
        record = pinned()[artist]
        lines += [
            f"{artist}.webp: {author}",
            f"    from {record['homepage']}, by way of {provenance(artist)}",
            f"    licence: {record['licence']}",
            "",
        ]
    return "\n".join([*lines, CHANGES, ""])


def drawings(icons: _emoji.Icons, artist: str, table: list[dict]) -> tuple[dict, str]:
    """Return the tiles of one artist by concept index, and a note of what was dropped."""
    tiles: dict[int, np.ndarray] = {}
    seen: dict[bytes, int] = {}
    twins, wrong = [], []
    for index, row in enumerate(table):
        code = row["codepoint"]
        if code not in icons.name:
            continue
        if (artist, code) in WRONG:
            wrong.append(f"{row['name_en']} ({WRONG[artist, code]})")
            continue
        tile = _emoji.render(icons.svg(code))
        if tile.tobytes() in seen:
            twins.append(row["name_en"])
            continue
        seen[tile.tobytes()] = index
        tiles[index] = tile
    named = sum(icons.how[table[index]["codepoint"]] == "name" for index in tiles)
    how = "by name" if named > len(tiles) / 2 else "by code point"
    note = f"{len(tiles)} drawings: {AUTHORS[artist]}; matched to concepts {how}. {CHANGES} "
    note += f"Dropped: {len(twins)} identical to an earlier concept's"
    note += f", and {len(wrong)} showing something else: {'; '.join(wrong)}." if wrong else "."
    return tiles, note


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write one sheet an artist, the tables, the splits and the licences."""
    (out / "emoji").mkdir(parents=True)
    (out / "licences").mkdir()
    records = []

    def write(file: str, data: bytes, licence: str, source: str, note: str) -> None:
        (out / file).write_bytes(data)
        records.append({"file": file, "licence": licence, "source": source, "note": note})

    table = [row for row in _emoji.concepts(sources) if row["group"] != "flags"]
    by_name = _emoji.names(sources, table)
    index, images, artist, concept = {}, [], [], []
    for name in _emoji.ARTISTS:
        tiles, note = drawings(_emoji.Icons(sources[name], table, by_name), name, table)
        print(f"  emoji: {name}, {len(tiles)} drawings", flush=True)
        sheet = _emoji.sheet_bytes(list(tiles.values()), **_emoji.LOSSY)
        write(f"emoji/{name}.webp", sheet, pinned()[name]["licence"], provenance(name), note)
        images.append(_emoji.tiles_of(sheet, len(tiles)))
        index[name] = list(tiles)
        concept += list(tiles)
        artist += [name] * len(tiles)
    used = sorted(set(concept))
    place = {old: new for new, old in enumerate(used)}
    rows = [{field: table[old][field] for field in FIELDS} for old in used]
    index = {name: [place[old] for old in olds] for name, olds in index.items()}
    tables = "; ".join(provenance(key) for key in _emoji.TABLES)
    write(
        "emoji/concepts.json",
        json_bytes(rows, lines=True),
        "Unicode-3.0 AND MIT",
        tables,
        f"{len(rows)} concepts with names and keywords of CLDR in English and Chinese; "
        "skin tones, hair components and flags left out",
    )
    write(
        "emoji/index.json",
        json_bytes(index),
        "MIT",
        "this course",
        "concept of each tile of a sheet",
    )
    division = _emoji_splits.split(
        rows,
        np.array(artist),
        np.array([place[old] for old in concept]),
        np.concatenate(images),
    )
    write(
        "emoji/splits.json",
        json_bytes(division),
        "MIT",
        "this course",
        f"seed {division['seed']}; dropped as near-duplicates of training images: "
        + json.dumps(division["dropped_near_duplicates"]),
    )
    write(
        "licences/emoji.txt",
        attribution().encode(),
        "MIT",
        "this course",
        "attribution of the artists",
    )
    for identifier in ("Apache-2.0", "CC-BY-4.0", "CC-BY-SA-4.0"):
        text = spdx_text(sources["spdx"], identifier).encode()
        write(f"licences/{identifier}.txt", text, identifier, provenance("spdx"), "licence text")
    notices = [
        (
            "fluent-emoji-flat",
            "MIT",
            spdx_text(sources["spdx"], "MIT")
            .replace(
                "Copyright (c) <year> <copyright holders>", "Copyright (c) Microsoft Corporation."
            )
            .encode(),
        ),
        ("emojibase", "MIT", member(sources["emojibase"], "package/LICENSE")),
        ("unicode-cldr", "Unicode-3.0", member(sources["cldr-annotations"], "package/LICENSE")),
    ]
    for name, licence, text in notices:
        source = "cldr-annotations" if name == "unicode-cldr" else name
        note = f"licence text of {name}"
        write(f"licences/{name}.txt", text, licence, provenance(source), note)
    return records
