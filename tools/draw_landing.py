"""Draw the picture of the landing page with the system of chapter 20: what the reader will build.

Top to bottom: a flag by one artist and a question; the vector of the flag; the most similar flags
by other artists in the datastore; the passage kept with the best of them, and the answer marked in
it. Nothing is painted in: the shipped encoder and reader do what the picture says, for a country
that was held out from their training.

``python tools/draw_landing.py`` writes ``book/_static/landing.png``.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from ravm_course.data.atomic import write_bytes  # noqa: E402
from ravm_course.data.countries import load_countries  # noqa: E402
from ravm_course.data.facts import fact_countries, load_country_split  # noqa: E402
from ravm_course.ravlm.flag_qa import (  # noqa: E402
    flag_images,
    flag_store,
    load_flag_encoder,
    load_flag_reader,
)
from ravm_course.ravlm.visual_qa import VisualQA  # noqa: E402

OUT = ROOT / "book" / "_static" / "landing.png"
COUNTRY = "GR"  # held out from training
QUESTION = "What is the capital of the country with this flag?"
WIDTH, HEIGHT, MARGIN = 1600, 1570, 60
INK, SOFT, GROUND, PANEL = "#1d262a", "#4a585e", "#ffffff", "#f3f6f7"
LINE, TEAL, TEAL_SOFT, AMBER = "#c3cdd1", "#0b5563", "#e3f0f2", "#ffd98a"
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return matplotlib's own sans-serif font, which is there on every machine."""
    return ImageFont.truetype(FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size)


def part_with(text: str, start: int, end: int, longest: int = 190) -> tuple[str, int, int]:
    """Return the sentences of `text` around ``start:end``, and where the answer lies in them."""
    ends = [place + 2 for place in range(len(text)) if text[place : place + 2] == ". "]
    cuts = [0, *ends, len(text)]
    first = max(cut for cut in cuts if cut <= start)
    last = min(cut for cut in cuts if cut >= end)
    while True:
        earlier = max((cut for cut in cuts if cut < first), default=first)
        later = min((cut for cut in cuts if cut > last), default=last)
        if later > last and later - first <= longest:
            last = later
        elif earlier < first and last - earlier <= longest:
            first = earlier
        else:
            return text[first:last].strip(), start - first, end - first


class Board:
    """A canvas with the few shapes that the picture needs."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
        self.draw = ImageDraw.Draw(self.image)

    def panel(self, box: tuple[int, int, int, int], fill: str = PANEL, edge: str = LINE) -> None:
        """Draw a rounded box."""
        self.draw.rounded_rectangle(box, radius=22, fill=fill, outline=edge, width=3)

    def heading(self, x: int, y: int, name: str, says: str) -> None:
        """Write the name of a part and what it does."""
        self.draw.text((x, y), name, font=font(38, bold=True), fill=TEAL)
        width = self.draw.textlength(name, font=font(38, bold=True))
        self.draw.text((x + width + 22, y + 5), says, font=font(32), fill=SOFT)

    def picture(self, x: int, y: int, size: int, pixels: np.ndarray) -> None:
        """Paste a picture in a thin frame."""
        small = Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS)
        self.draw.rounded_rectangle(
            (x - 8, y - 8, x + size + 7, y + size + 7), 14, fill=GROUND, outline=LINE, width=3
        )
        self.image.paste(small, (x, y))

    def down(self, x: int, top: int, bottom: int) -> None:
        """Draw an arrow downwards."""
        self.draw.line((x, top, x, bottom - 16), fill=TEAL, width=7)
        self.draw.polygon([(x - 18, bottom - 22), (x + 18, bottom - 22), (x, bottom)], fill=TEAL)

    def words(
        self, x: int, y: int, width: int, text: str, size: int, mark: tuple[int, int] = (0, 0)
    ) -> int:
        """Write `text` in lines of at most `width` pixels, marking some characters.

        Returns the height below the last line.
        """
        face, bold = font(size), font(size, bold=True)
        space, left, place = self.draw.textlength(" ", font=face), x, 0
        for word in text.split(" "):
            inside = mark[0] <= place < mark[1]
            chosen = bold if inside else face
            length = self.draw.textlength(word, font=chosen)
            if left > x and left + length > x + width:
                left, y = x, y + int(size * 1.45)
            if inside:
                box = (left - 6, y - 3, left + length + 6, y + int(size * 1.25))
                self.draw.rounded_rectangle(box, 8, fill=AMBER)
            self.draw.text((left, y), word, font=chosen, fill=INK)
            left += length + space
            place += len(word) + 1
        return y + int(size * 1.45)


def draw() -> Image.Image:
    """Compute what is shown, and draw it."""
    countries = load_countries()
    country = next(i for i, item in enumerate(countries) if item.iso2 == COUNTRY)
    assert country in load_country_split()["test"]
    encoder = load_flag_encoder()
    system = VisualQA(encoder.encode, flag_store(encoder, fact_countries()), load_flag_reader())
    query = flag_images([country], "emojione")[0]
    vector = encoder.encode(query[None])[0]
    hits = system.retrieve(query[None], k=3)[0]
    answer = system.answer(query, QUESTION)
    assert answer.text == countries[country].capital, f"the system says {answer.text!r}"
    text, start, end = part_with(answer.source.text, answer.start, answer.end)

    board, left, right = Board(), MARGIN, WIDTH - MARGIN
    board.panel((left, 40, right, 300), fill=TEAL_SOFT)
    board.picture(left + 40, 75, 190, query)
    board.draw.text((left + 290, 70), "You ask", font=font(38, bold=True), fill=TEAL)
    board.words(left + 290, 138, right - left - 330, QUESTION, 44)

    board.down(left + 135, 312, 368)
    board.heading(left, 384, "Encoder", "turns the flag into a vector")
    shown = (vector - vector.min()) / (vector.max() - vector.min())
    step = (right - left) / len(shown)
    for place, value in enumerate(shown):
        low, high = np.array([243, 246, 247]), np.array([11, 85, 99])
        colour = tuple(int(part) for part in low + value * (high - low))
        x = left + place * step
        board.draw.rectangle((x, 452, x + step - 3, 504), fill=colour)

    board.down(left + 135, 520, 576)
    board.heading(left, 592, "Datastore", "finds the most similar flags, drawn by others")
    for rank, hit in enumerate(hits):
        x = left + rank * (right - left + 30) // 3
        box = (x, 660, x + (right - left - 60) // 3, 920)
        best = rank == 0
        board.panel(box, fill=TEAL_SOFT if best else GROUND, edge=TEAL if best else LINE)
        board.picture(x + 32, 694, 190, hit.image)
        below = board.words(x + 246, 716, box[2] - x - 260, hit.metadata["title"], 36)
        board.draw.text((x + 246, below + 14), f"{hit.score:.2f}", font=font(36), fill=SOFT)

    board.down(left + 135, 936, 992)
    board.heading(left, 1008, "Reader", "marks the answer in the passage kept with it")
    board.panel((left, 1076, right, 1286))
    board.words(left + 40, 1106, right - left - 80, f"… {text}", 38, (start + 2, end + 2))

    board.down(left + 135, 1302, 1358)
    board.panel((left, 1374, right, 1530), fill=TEAL_SOFT, edge=TEAL)
    board.draw.text((left + 40, 1416), answer.text, font=font(60, bold=True), fill=INK)
    width = board.draw.textlength(answer.text, font=font(60, bold=True))
    source = f"Source: the passage “{answer.source.metadata['title']}”, found by its flag"
    board.words(int(left + 40 + width + 50), 1430, int(right - left - width - 130), source, 36)
    return board.image


def main() -> None:
    """Draw and write the picture."""
    argparse.ArgumentParser(description=__doc__.split("\n\n")[0]).parse_args()
    buffer = io.BytesIO()
    draw().quantize(colors=255, method=Image.Quantize.MEDIANCUT).save(buffer, "PNG", optimize=True)
    write_bytes(OUT, buffer.getvalue())
    print(f"{OUT.relative_to(ROOT).as_posix()}: {len(buffer.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
