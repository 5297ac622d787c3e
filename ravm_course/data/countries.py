"""Facts about 250 countries and territories: the knowledge base of the question-answering chapters.

Each record joins GeoNames (names, codes, capital, continent, currency, neighbours), the World
Factbook of 2015 (flag, history, geography, economy), Unicode CLDR (Chinese names) and KGeography
(Chinese capitals). What the Factbook says was true in 2015: give the year when you show it.
Sources, repairs and known faults stand in ``MANIFEST.json``.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass

from ravm_course.data import files

#: year of the facts that come from the World Factbook
FACTBOOK_YEAR = 2015


@dataclass(frozen=True)
class Country:
    """What is known of one country or territory; ``None`` where nothing is known.

    Attributes
    ----------
    iso2, iso3
        ISO 3166 codes, such as ``"NO"`` and ``"NOR"`` (Kosovo has the customary ``"XK"``).
    name_en, name_zh
        Names in English (GeoNames) and Chinese (CLDR).
    capital, capital_zh
        Capital in English (GeoNames) and Chinese (KGeography, for about 210).
    continent
        One of seven, such as ``"North America"``.
    currency, currency_code
        Class of the currency, such as ``"Krone"``, and its ISO 4217 code.
    area_km2
        Area in square kilometres.
    neighbours
        ISO codes of the countries with a common border.
    cities
        Up to four of the largest cities besides the capital (GeoNames).
    dish
        National dish (country-json, not checked).
    population, population_year
        Number of people and the year of the estimate, mostly 2015.
    flag_description
        The Factbook's description, of which :attr:`flag_short` is the part about the look.
    background, location, climate, terrain, highest_point, coastline, natural_resources
        Prose and lists of the Factbook of 2015, as are all fields below.
    national_symbol, anthem, national_holiday, independence, nationality
        Text.
    languages, religions, ethnic_groups
        Text with shares.
    agriculture, industries, exports, export_partners, export_value
        Text.
    """

    iso2: str
    iso3: str
    name_en: str
    name_zh: str | None
    capital: str | None
    capital_zh: str | None
    continent: str
    currency: str | None
    currency_code: str | None
    area_km2: float | None
    neighbours: tuple[str, ...]
    cities: tuple[str, ...]
    dish: str | None
    population: int | None
    population_year: int | None
    flag_description: str | None
    background: str | None
    location: str | None
    climate: str | None
    terrain: str | None
    highest_point: str | None
    coastline: str | None
    natural_resources: str | None
    national_symbol: str | None
    anthem: str | None
    national_holiday: str | None
    independence: str | None
    nationality: str | None
    languages: str | None
    religions: str | None
    ethnic_groups: str | None
    agriculture: str | None
    industries: str | None
    exports: str | None
    export_partners: str | None
    export_value: str | None

    @property
    def flag_short(self) -> str | None:
        """The flag description up to its first semicolon: what is seen, rarely what it means."""
        if self.flag_description is None:
            return None
        return re.split(r";", self.flag_description)[0].strip()

    @property
    def emoji(self) -> str:
        """The flag as an emoji: two regional indicator letters."""
        return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in self.iso2)


@functools.cache
def load_countries() -> tuple[Country, ...]:
    """Return all countries and territories, sorted by their ISO code.

    Returns
    -------
    tuple of Country
        250 records. ``load_flags().country`` indexes into it.

    Raises
    ------
    ravm_course.data.files.DataError
        If a bundled file is missing or damaged.

    Examples
    --------
    >>> country = next(c for c in load_countries() if c.name_en == "Norway")
    >>> country.iso2, country.capital, country.capital_zh, country.continent, country.currency
    ('NO', 'Oslo', '奥斯陆', 'Europe', 'Krone')
    >>> country.flag_short
    'red with a blue cross outlined in white that extends to the edges of the flag'
    """
    rows = json.loads(files.path("countries/countries.json").read_text(encoding="utf-8"))
    zh = json.loads(files.path("countries/capitals_zh.json").read_text(encoding="utf-8"))
    return tuple(
        Country(
            **row
            | {
                "neighbours": tuple(row["neighbours"]),
                "cities": tuple(row["cities"]),
                "capital_zh": zh.get(row["iso2"]),
            }
        )
        for row in rows
    )
