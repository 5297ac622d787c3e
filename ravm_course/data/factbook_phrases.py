"""Phrases and frames that make further training questions about the Factbook's entries.

A reader that learns "Name the capital", "Name the anthem" and "Tell me the religion" may take "tell
me" for a sign of religion: with few wordings, the words that carry nothing happen to go with one
relation. So the phrase that says what is asked for, and the frame around it, are drawn apart, and
every frame meets every relation. No question made here is a held-out wording
(:func:`training_question` draws again), although the words of many are.
"""

from __future__ import annotations

import functools
import random

from ravm_course.data.factbook_wordings import wordings

#: around an English phrase
FRAMES_EN = (
    "What is {p}?",
    "What is {p} of this country?",
    "What is {p} in the country with this flag?",
    "Which is {p} here?",
    "Name {p}.",
    "Name {p} of this nation.",
    "Tell me {p}.",
    "Tell me {p} of the land with this flag.",
    "Give {p} of this state.",
    "Could you say what {p} is?",
    "I would like to know {p}.",
    "What do you know about {p} of this country?",
    "The country with this flag: what is {p}?",
    "In this country, what is {p}?",
    "{p}, please.",
    "State {p}.",
    "What can be said of {p} here?",
    "What is {p} there called?",
    "This nation: {p}?",
)

#: around a Chinese phrase
FRAMES_ZH = (
    "{p}是什么？",
    "这个国家的{p}是什么？",
    "该国的{p}是哪个？",
    "请说出这个国家的{p}。",
    "这面国旗所属国家的{p}是什么？",
    "请问{p}？",
    "我想知道{p}。",
    "告诉我它的{p}。",
    "{p}是多少或者是哪个？",
    "悬挂这面旗帜的国家，{p}是什么？",
)

#: phrases that say what is asked for, in English and in Chinese; the foreign ones ask for what no
#: entry tells
PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "region": (
        (
            "the region",
            "the part of the world",
            "the location on the map",
            "the world region",
            "the area where it lies",
            "the place on the globe",
            "the geographical position",
            "the continent or part of a continent",
            "the corner of the world",
            "the region where it can be found",
        ),
        ("地区", "所在地区", "地理位置", "在世界上的位置", "所处的区域", "所在的大洲部分"),
    ),
    "highest_point": (
        (
            "the highest mountain",
            "the highest peak",
            "the name of the tallest mountain",
            "the highest point",
            "the top summit",
            "the loftiest peak",
            "the highest hill",
            "the mountain that rises above all others",
            "the name of the highest place",
            "the tallest peak to climb",
        ),
        ("最高点", "最高峰", "最高的山", "第一高峰", "最高山峰的名字", "最高的地方"),
    ),
    "elevation": (
        (
            "the height of the highest point",
            "the elevation of the highest peak",
            "the height of the tallest mountain in metres",
            "the greatest height above the sea",
            "the altitude of the top",
            "the number of metres of the highest summit",
            "the maximum elevation",
            "the height in metres",
            "the altitude of the highest place",
            "the metres above sea level of the highest peak",
        ),
        (
            "最高点的海拔",
            "最高峰的高度",
            "海拔高度",
            "最高处有多少米",
            "最高的山有多高",
            "最大高度",
        ),
    ),
    "independence_year": (
        (
            "the year of independence",
            "the date of independence",
            "the year when independence came",
            "the year in which it became independent",
            "the time when it got free",
            "the year when it became a sovereign state",
            "the year independence was declared",
            "the moment when independence was won",
            "the beginning of its independence",
            "the year it was granted independence",
        ),
        (
            "独立年份",
            "独立的时间",
            "获得独立的年份",
            "哪一年独立",
            "什么时候独立",
            "独立日期的年份",
        ),
    ),
    "independence_from": (
        (
            "the country from which it became independent",
            "the former colonial power",
            "the ruler before independence",
            "the state that it was freed from",
            "the power that governed it before independence",
            "the former mother country",
            "the country it belonged to before",
            "the empire that it left",
            "the state it was a colony or part of",
            "the nation that let it go into independence",
        ),
        (
            "独立前的统治国",
            "原宗主国",
            "从哪个国家独立",
            "独立以前属于谁",
            "脱离的国家",
            "从前的统治者",
        ),
    ),
    "holiday": (
        (
            "the national holiday",
            "the date of the national day",
            "the day of the national feast",
            "the national day",
            "the day on which the nation celebrates",
            "the date of the main public holiday",
            "the day and month of the national holiday",
            "the day of national celebrations",
            "the yearly day of celebration",
            "the holiday on which the nation is celebrated",
        ),
        ("国庆日", "国庆节日期", "国庆节", "国庆是哪一天", "全国节日的日期", "庆祝国庆的日子"),
    ),
    "anthem": (
        (
            "the national anthem",
            "the title of the anthem",
            "the name of the national song",
            "the national hymn",
            "the hymn",
            "the song of the nation",
            "the anthem's name",
            "the song played at ceremonies",
            "the official song",
            "the anthem that is sung",
        ),
        ("国歌", "国歌的名称", "国歌的标题", "国歌是哪首歌", "国歌叫什么", "演奏的国歌"),
    ),
    "language": (
        (
            "the official language",
            "the language of the state",
            "the state's official tongue",
            "the language with official status",
            "the language of the government",
            "the language used by officials",
            "the recognised official language",
            "the language of official documents",
            "the tongue that is official",
            "the language of laws and offices",
        ),
        ("官方语言", "官方使用的语言", "正式语言", "政府使用的语言", "法定语言", "官方文件的语言"),
    ),
    "religion": (
        (
            "the largest religion",
            "the main religion",
            "the faith of most people",
            "the most common religion",
            "the dominant faith",
            "the religion of the majority",
            "the religious group with most followers",
            "the biggest church or faith",
            "the belief of the greatest part of the population",
            "the most widespread religion",
        ),
        (
            "最大的宗教",
            "主要宗教",
            "多数人的宗教",
            "人们信仰的宗教",
            "信徒最多的宗教",
            "最普遍的信仰",
        ),
    ),
    "export": (
        (
            "the main export",
            "the most important export product",
            "the first export good",
            "the leading export commodity",
            "the product that is sold abroad most",
            "the chief good for export",
            "the principal exported merchandise",
            "the kind of goods that it ships abroad",
            "the good that other countries buy from it",
            "the product it exports first of all",
            "the thing that others buy from it most",
            "what foreign buyers get from it",
            "the ware for which it is known abroad",
        ),
        (
            "主要出口产品",
            "最重要的出口商品",
            "出口什么",
            "主要出口货物",
            "第一出口商品",
            "卖到国外的东西",
        ),
    ),
    "export_partner": (
        (
            "the main export partner",
            "the country that buys most of its exports",
            "the largest buyer of its goods",
            "the first destination of exports",
            "the most important customer abroad",
            "the leading market for its exports",
            "the trading partner that takes most of the exports",
            "the country to which most goods are exported",
            "the biggest importer of its products",
            "the partner with the largest share of exports",
            "the country that buys the most",
            "the state which is its best customer",
            "the foreign buyer of most of its goods",
        ),
        (
            "最大出口伙伴",
            "主要出口目的地",
            "出口到哪个国家最多",
            "最大的出口市场",
            "买得最多的国家",
            "第一大出口国",
        ),
    ),
    "export_value": (
        (
            "the value of exports",
            "the total worth of the exports",
            "the amount of money from exports",
            "the export earnings in dollars",
            "the export revenue",
            "the sum earned by exporting",
            "the worth in dollars of goods sold abroad",
            "the yearly income from exports",
            "the total of exports in US dollars",
            "the money that exports bring in",
        ),
        ("出口总额", "出口额", "出口总值", "出口收入", "出口赚的钱", "出口值多少美元"),
    ),
    "foreign": (
        (
            "the president",
            "the head of the government",
            "the population",
            "the birth rate",
            "the number of hospitals",
            "the price of bread",
            "the dialling code",
            "the time zone",
            "the best football club",
            "the oldest university",
            "the average wage",
            "the internet ending",
            "the number of cars",
            "the longest river",
            "the largest lake",
            "the most famous writer",
            "the crime rate",
            "the tallest building",
            "the name of the first king",
            "the biggest bank",
            "the number of soldiers",
            "the tax on income",
            "the most popular dish",
            "the number of doctors",
            "the school holidays",
            "the size of the army",
        ),
        (
            "总统",
            "人口",
            "出生率",
            "医院数量",
            "面包的价格",
            "电话区号",
            "时区",
            "最好的足球队",
            "最古老的大学",
            "平均工资",
            "最长的河流",
            "最大的湖",
            "最有名的作家",
            "军队规模",
        ),
    ),
}


@functools.cache
def _held_out() -> frozenset[str]:
    """Return all wordings kept for validation and testing, in lower case."""
    return frozenset(
        text.lower()
        for split in ("validation", "test")
        for texts in wordings(split).values()
        for text, _ in texts
    )


def training_question(relation: str, rng: random.Random) -> str:
    """Make a question from a phrase and a frame, in English or Chinese.

    Parameters
    ----------
    relation
        A key of :data:`PHRASES`.
    rng
        Source of randomness.

    Returns
    -------
    str
        Never a wording of validation or test.

    Examples
    --------
    >>> training_question("anthem", random.Random(1))
    '这个国家的国歌的标题是什么？'
    """
    while True:
        language = int(rng.random() < 0.33)
        frame = rng.choice((FRAMES_EN, FRAMES_ZH)[language])
        question = frame.format(p=rng.choice(PHRASES[relation][language]))
        question = question[0].upper() + question[1:]
        if question.lower() not in _held_out():
            return question
