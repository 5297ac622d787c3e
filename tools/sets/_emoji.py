"""What the emoji, flag and gloss sets share: the table of concepts, matching icons, rendering.

A *concept* is one emoji of Unicode without its skin tones, such as "tiger face". An *icon* is one
artist's SVG drawing of it, taken from a package of the Iconify project. Icons are matched to
concepts by code point where the package knows it, and else by name.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import resvg_py
from archives import members, read_json
from PIL import Image

SIZE = 64  # pixels, the side of a tile
COLUMNS = 40  # tiles in a row of a sheet

# Sheets without loss would take 2.5 times as much: 23 MB in place of 9.
LOSSY = {"lossless": False, "quality": 90, "use_sharp_yuv": True}

ARTISTS = (
    "noto",
    "noto-v1",
    "twemoji",
    "fluent-emoji-flat",
    "fxemoji",
    "emojione",
    "emojione-v1",
    "openmoji",
)
TABLES = ("emojibase", "cldr-annotations", "cldr-annotations-derived")


def bare(hexcode: str) -> str:
    """Return a code point sequence in lower case without variation selectors."""
    return "-".join(part for part in hexcode.lower().split("-") if part not in ("fe0f", "fe0e"))


def slug(name: str) -> str:
    """Return the letters and digits of a name, for comparing names of different packages."""
    return re.sub("[^a-z0-9]", "", name.lower().replace("&", "and"))


def concepts(sources: dict[str, Path]) -> list[dict]:
    """Return the table of all emoji without skin tones, in Unicode's order.

    Names and keywords are CLDR's, in English and in Chinese; groups and subgroups Unicode's, by
    way of emojibase. The group "component" (skin tones, hair) is left out.
    """
    base = sources["emojibase"]
    english = read_json(base, "package/en/data.json")
    chinese = {row["hexcode"]: row for row in read_json(base, "package/zh/data.json")}
    groups = read_json(base, "package/meta/groups.json")
    annotations = {}
    for language in ("en", "zh"):
        table = {}
        for key, name in (
            ("cldr-annotations-derived", "annotationsDerived"),
            ("cldr-annotations", "annotations"),
        ):
            file = f"package/{name}/{language}/annotations.json"
            table |= read_json(sources[key], file)[name]["annotations"]
        annotations[language] = table
    rows = []
    for row in english:
        if "group" not in row or groups["groups"][str(row["group"])] == "component":
            continue
        character = row["emoji"]
        found = {
            language: table.get(character.replace("\ufe0f", "")) or table.get(character) or {}
            for language, table in annotations.items()
        }
        other = chinese.get(row["hexcode"], {})
        rows.append(
            {
                "codepoint": bare(row["hexcode"]),
                "emoji": character,
                "group": groups["groups"][str(row["group"])],
                "subgroup": groups["subgroups"][str(row["subgroup"])],
                "name_en": (found["en"].get("tts") or [row["label"]])[0],
                "name_zh": (found["zh"].get("tts") or [other.get("label", "")])[0],
                "keywords_en": found["en"].get("default") or row.get("tags", []),
                "keywords_zh": found["zh"].get("default") or other.get("tags", []),
                "label": row["label"],
                "order": row["order"],
            }
        )
    return sorted(rows, key=lambda row: row["order"])


def names(sources: dict[str, Path], table: Sequence[dict]) -> dict[str, str]:
    """Return the code point that each known name stands for, by the slug of the name."""
    base = sources["emojibase"]
    known = {row["codepoint"] for row in table}
    found: dict[str, str] = {}

    def add(name: str, codepoint: str) -> None:
        if codepoint in known:
            found.setdefault(slug(name), codepoint)

    for row in table:
        add(row["label"], row["codepoint"])
        if row["label"].startswith("flag:"):
            country = row["label"][5:].strip()
            for prefix in ("flag for ", "flag for flag ", "flag ", ""):
                add(prefix + country, row["codepoint"])
    for artist in ("noto", "openmoji", "twemoji", "fluent-emoji-flat"):
        if artist in sources:
            for code, name in read_json(sources[artist], "package/chars.json").items():
                add(name, bare(code))
    for code, name in read_json(base, "package/meta/unicode-names.json").items():
        add(name, bare(code))
    shortcodes = members(base, re.compile(r"package/en/shortcodes/.*\.json$").match)
    for content in shortcodes.values():
        for code, name in json.loads(content).items():
            for one in name if isinstance(name, list) else [name]:
                add(one, bare(code))
    return found


class Icons:
    """The drawings of one artist, by code point; `how` says whether code or name matched."""

    def __init__(self, archive: Path, table: Sequence[dict], by_name: dict[str, str]) -> None:
        data = read_json(archive, "package/icons.json")
        self.icons, self.aliases = data["icons"], data.get("aliases", {})
        self.width, self.height = data.get("width", 16), data.get("height", 16)
        known = {row["codepoint"] for row in table}
        self.name: dict[str, str] = {}
        self.how: dict[str, str] = {}
        for code, name in read_json(archive, "package/chars.json").items():
            self._add(bare(code), name, "code", known)
        for name in [*self.icons, *self.aliases]:
            self._add(by_name.get(slug(name), ""), name, "name", known)

    def _add(self, codepoint: str, name: str, how: str, known: set[str]) -> None:
        if codepoint in known and codepoint not in self.name and self._resolve(name):
            self.name[codepoint], self.how[codepoint] = name, how

    def _resolve(self, name: str, depth: int = 0) -> tuple[dict, dict] | None:
        if name in self.icons:
            return self.icons[name], {}
        if name in self.aliases and depth < 5:
            alias = self.aliases[name]
            found = self._resolve(alias["parent"], depth + 1)
            if found:
                return found[0], found[1] | {k: v for k, v in alias.items() if k != "parent"}
        return None

    def svg(self, codepoint: str) -> str:
        """Return the SVG document of one concept, its box made square."""
        icon, changes = self._resolve(self.name[codepoint])
        width, height = icon.get("width", self.width), icon.get("height", self.height)
        left, top = icon.get("left", 0), icon.get("top", 0)
        body = icon["body"]
        if changes.get("hFlip"):
            body = f'<g transform="translate({2 * left + width} 0) scale(-1 1)">{body}</g>'
        side = max(width, height)
        left, top = left - (side - width) / 2, top - (side - height) / 2
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{left} {top} {side} {side}" width="{side}" height="{side}">{body}</svg>'
        )


def render(svg: str) -> np.ndarray:
    """Return an SVG drawing on white as pixels, uint8 of shape (64, 64, 3)."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        width=2 * SIZE,
        height=2 * SIZE,
        background="#ffffff",
        skip_system_fonts=True,
    )
    image = Image.open(io.BytesIO(bytes(png))).convert("RGB")
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def sheet_bytes(tiles: Sequence[np.ndarray], **options: object) -> bytes:
    """Return tiles as one WebP picture of 40 columns, white where no tile is.

    Parameters
    ----------
    tiles
        Arrays of shape (64, 64, 3), uint8.
    options
        What Pillow's WebP writer takes; lossless by default.
    """
    rows = -(-len(tiles) // COLUMNS)
    sheet = np.full((rows, COLUMNS, SIZE, SIZE, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        sheet[divmod(number, COLUMNS)] = tile
    picture = sheet.swapaxes(1, 2).reshape(rows * SIZE, COLUMNS * SIZE, 3)
    target = io.BytesIO()
    settings = {"lossless": True, "quality": 100, "method": 6} | options
    Image.fromarray(picture).save(target, "WEBP", **settings)
    return target.getvalue()


def tiles_of(sheet: bytes, count: int) -> np.ndarray:
    """Return the tiles of a sheet as a reader will see them, shape (count, 64, 64, 3)."""
    pixels = np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB"))
    rows = pixels.shape[0] // SIZE
    tiles = pixels.reshape(rows, SIZE, COLUMNS, SIZE, 3).swapaxes(1, 2)
    return tiles.reshape(-1, SIZE, SIZE, 3)[:count]
