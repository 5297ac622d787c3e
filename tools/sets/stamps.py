"""Tux Paint's stamps: photographs cut out and drawings, with a caption in up to two languages."""

from __future__ import annotations

import io
import re
from pathlib import Path, PurePosixPath

import numpy as np
import resvg_py
from archives import json_bytes, member, members, spdx_text
from fetch import pinned
from PIL import Image

from sets import _emoji
from sets.emoji import provenance

SOURCES = ("tuxpaint-stamps", "spdx")
FOLDER = "usr/share/tuxpaint/stamps/"
SIZE = _emoji.SIZE


def on_white(image: Image.Image) -> np.ndarray:
    """Return a picture cut to what is not transparent, centred on a white square of 64 x 64."""
    image = image.convert("RGBA")
    box = image.getchannel("A").getbbox()
    image = image.crop(box) if box else image
    side = max(image.size)
    square = Image.new("RGBA", (side, side), (255, 255, 255, 255))
    square.alpha_composite(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(square.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def picture(files: dict[str, bytes], stem: str) -> Image.Image | None:
    """Return the picture of a stamp, or None if only its text ships."""
    if f"{stem}.png" in files:
        return Image.open(io.BytesIO(files[f"{stem}.png"]))
    if f"{stem}.svg" in files:
        text = files[f"{stem}.svg"].decode("utf-8", errors="replace")
        png = resvg_py.svg_to_bytes(svg_string=text, width=256, dpi=96, skip_system_fonts=True)
        return Image.open(io.BytesIO(bytes(png)))
    return None


def captions(text: str) -> tuple[str, str]:
    """Return the English and the Chinese caption of a stamp's text file, without a final stop."""
    lines = text.splitlines()
    found = {"en": lines[0] if lines else "", "zh": ""}
    for line in lines[1:]:
        if line.startswith("zh_CN") and "=" in line:
            found["zh"] = line.split("=", 1)[1]
    return tuple(
        re.sub(r"\s+", " ", found[language]).strip().rstrip(".!。！ ") for language in ("en", "zh")
    )


def read(archive: Path) -> tuple[list[dict], list[np.ndarray], dict[str, int]]:
    """Return the rows and tiles of all stamps that are kept, and how many were dropped and why."""
    wanted = re.compile(re.escape(FOLDER) + r"(?!symbols/).*\.(txt|png|svg)$")
    files = members(archive, lambda name: bool(wanted.match(name)))
    rows, tiles, seen = [], [], set()
    dropped = {"without a caption": 0, "identical": 0, "unreadable": 0, "white on white": 0}
    for name in files:
        if not name.endswith(".txt"):
            continue
        english, chinese = captions(files[name].decode("utf-8", errors="replace"))
        try:
            image = picture(files, name[:-4])
            tile = None if image is None else on_white(image)
        except (OSError, ValueError) as error:
            print(f"  stamps: {name} was not read: {error}", flush=True)
            dropped["unreadable"] += 1
            continue
        if tile is None:
            continue
        if not english:
            dropped["without a caption"] += 1
        elif tile.tobytes() in seen:
            dropped["identical"] += 1
        elif (tile.min(2) < 231).mean() < 0.01:
            dropped["white on white"] += 1
        else:
            seen.add(tile.tobytes())
            path = PurePosixPath(name[len(FOLDER) : -4])
            row = {"name": str(path), "category": path.parts[0]}
            rows.append(row | {"caption_en": english, "caption_zh": chinese})
            tiles.append(tile)
    return rows, tiles, dropped


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write one sheet, the captions and the licence."""
    (out / "stamps").mkdir(parents=True)
    (out / "licences").mkdir()
    archive = sources["tuxpaint-stamps"]
    rows, tiles, dropped = read(archive)
    (out / "stamps/stamps.webp").write_bytes(_emoji.sheet_bytes(tiles, **_emoji.LOSSY))
    (out / "stamps/stamps.json").write_bytes(json_bytes(rows, lines=True))
    copyright_file = "usr/share/doc/tuxpaint-stamps-default/copyright"
    notice = member(archive, copyright_file).decode("utf-8")
    text = notice + "\n" + spdx_text(sources["spdx"], "GPL-2.0-or-later")
    (out / "licences/stamps.txt").write_text(text, encoding="utf-8", newline="\n")
    licence, source = pinned()["tuxpaint-stamps"]["licence"], provenance("tuxpaint-stamps")
    lost = ", ".join(f"{count} {why}" for why, count in dropped.items())
    note = f"{len(rows)} stamps without the folder of symbols, cut to their content, 64 x 64 on "
    note += f"white, lossy WebP of quality 90. Dropped: {lost}."
    translated = sum(bool(row["caption_zh"]) for row in rows)
    return [
        {"file": "stamps/stamps.webp", "licence": licence, "source": source, "note": note},
        {
            "file": "stamps/stamps.json",
            "licence": licence,
            "source": source,
            "note": f"captions of the stamps, {translated} of them with a Chinese one",
        },
        {
            "file": "licences/stamps.txt",
            "licence": licence,
            "source": f"{source}; {provenance('spdx')}",
            "note": "copyright notice and licence text",
        },
    ]
