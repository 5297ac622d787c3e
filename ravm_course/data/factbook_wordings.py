"""Questions about the World Factbook's entries, in many wordings, apart for learning and testing.

Every relation is asked in sixteen ways in English and eight in Chinese. Which of them a reader
learns from, which choose its settings and which test it was drawn by chance
(:func:`wordings`): nobody picked easy ones for the test. Two relations are never
asked in training, and some questions have no answer in any entry; both show what a reader does
with a question that is foreign to it.
"""

from __future__ import annotations

import functools
import random

#: wordings of each split, in English and in Chinese
SHARES = {"train": (11, 5), "validation": (2, 1), "test": (3, 2)}

#: relations that training never asks for
HELD_OUT = ("coastline", "ethnic_group")

ENGLISH: dict[str, tuple[str, ...]] = {
    "region": (
        "In which part of the world is this country?",
        "Where on the globe does the country with this flag lie?",
        "Which region of the world does this country belong to?",
        "Name the part of the world where this flag is flown.",
        "What region is this country located in?",
        "Where is this country?",
        "In what area of the world would I find the land with this flag?",
        "The country of this flag lies in which world region?",
        "Tell me the region in which this nation is situated.",
        "On a map of the world, where should I look for this country?",
        "Which corner of the earth is home to this flag?",
        "What part of its continent is this country in?",
        "Geographically, where does this state lie?",
        "Where in the world is the nation whose flag this is?",
        "Could you say in which region this country can be found?",
        "Its location: which part of which continent?",
    ),
    "highest_point": (
        "What is the highest point of this country?",
        "Which mountain is the highest in the country with this flag?",
        "Name the highest peak of this country.",
        "What is the tallest mountain called?",
        "Which summit towers over all others in this country?",
        "What is the name of the loftiest spot in this land?",
        "Which peak would a climber have to reach to stand highest here?",
        "Where is the highest elevation of this country?",
        "At the top of what mountain is one higher than anywhere else in this nation?",
        "Tell me the name of the highest mountain in this state.",
        "The land of this flag: what is its highest place called?",
        "Which hill or mountain rises above the rest of the country?",
        "What do they call the highest spot of this country?",
        "I want to climb the highest mountain of this nation. Which one is it?",
        "Which point lies highest above the sea in this country?",
        "Give the name of the tallest peak found there.",
    ),
    "elevation": (
        "How high is the highest point of this country?",
        "How many metres does the tallest mountain of this country measure?",
        "What is the elevation of the highest point?",
        "How tall is the highest mountain in the country with this flag?",
        "To what height does this land rise?",
        "What height does the highest peak reach?",
        "How far above the sea is the highest place of this nation?",
        "Give the height of the tallest mountain in metres.",
        "How many metres above sea level is the top of this country?",
        "State the altitude of the country's highest point.",
        "The highest summit here: how many metres is it?",
        "What is the greatest height in this country?",
        "How high up can one climb in the land of this flag?",
        "What altitude does the loftiest mountain have?",
        "Tell me how high the highest peak is.",
        "How elevated is the highest spot, in metres?",
    ),
    "independence_year": (
        "When did this country become independent?",
        "In which year did the country with this flag gain independence?",
        "What year did this nation become independent?",
        "Since when has this country been independent?",
        "In what year was independence won?",
        "Which year brought independence to this country?",
        "When did this state get its independence?",
        "Name the year of independence of this country.",
        "What is the year in which this nation became sovereign and independent?",
        "How long ago, that is in which year, was independence achieved?",
        "Tell me the year this land became a free and independent state.",
        "The independence of this country dates from which year?",
        "When was this country's independence declared?",
        "In which year did this flag become that of an independent country?",
        "What is the date of independence, as a year?",
        "From what year on was this nation independent?",
    ),
    "independence_from": (
        "From whom did this country become independent?",
        "From which country did the nation with this flag gain independence?",
        "Which power ruled this country before its independence?",
        "Whose rule ended when this country became independent?",
        "From what state did it win independence?",
        "Who governed this land before it was independent?",
        "Of which country was this nation a colony or a part before independence?",
        "Name the power from which this state became independent.",
        "To whom did this country belong until independence?",
        "From which empire or state did this land free itself?",
        "Which country let this nation go into independence?",
        "Independence was gained from whom?",
        "Tell me from whom independence was achieved.",
        "Before independence, who held power over the country with this flag?",
        "What country was this nation's former ruler?",
        "Which state did it separate from to become independent?",
    ),
    "holiday": (
        "On which day is the national holiday of this country?",
        "When does this country celebrate its national day?",
        "What is the date of the national holiday?",
        "On what date do people here celebrate their national holiday?",
        "Which day of the year is the national day of the country with this flag?",
        "When is the national holiday?",
        "Name the day on which this nation holds its national celebration.",
        "On what day and in what month is this land's main public holiday?",
        "When are the national celebrations held each year?",
        "Which date do citizens of this country celebrate as their national day?",
        "Tell me the date on which the nation celebrates itself.",
        "What day should I come to see the national day festivities?",
        "In the calendar, where does the national holiday fall?",
        "What is the national day of this state?",
        "On which date is this flag raised for the national holiday?",
        "The yearly national holiday is on what day?",
    ),
    "anthem": (
        "What is the national anthem of this country called?",
        "What is the title of the national anthem?",
        "Name the anthem of the country with this flag.",
        "Which song is the national anthem of this nation?",
        "What is the name of the hymn of this country?",
        "Which anthem is played when this flag is raised?",
        "What song do athletes of this country hear when they win gold?",
        "How is the national song called?",
        "Tell me the title of this state's anthem.",
        "What do people sing as their anthem here?",
        "Which national hymn belongs to this flag?",
        "Under what title is the anthem of this land known?",
        "What anthem does this country have?",
        "Give the name of the nation's official song.",
        "The national anthem: what is it called?",
        "At a state ceremony, which anthem would be sung?",
    ),
    "language": (
        "What is the official language of this country?",
        "Which language is official in the country with this flag?",
        "Name the official language.",
        "In which language are the laws of this country written officially?",
        "What language does the state use officially?",
        "Which tongue has official status here?",
        "What is the language of government in this nation?",
        "Tell me which language is the official one in this land.",
        "Officially, what language is spoken in this country?",
        "Which official language does this state have?",
        "What language do officials in this country use?",
        "The official language of the nation with this flag is which?",
        "In what language would an official letter from this country be written?",
        "Which language is recognised as official?",
        "What language should I learn to deal with this country's authorities?",
        "What is spoken officially in this country?",
    ),
    "religion": (
        "What is the largest religion in this country?",
        "Which religion do most people of this country follow?",
        "What faith has the most followers in the country with this flag?",
        "Name the main religion.",
        "To which religion does the greatest part of the population belong?",
        "What do most believers in this nation believe in?",
        "Which faith is the most common here?",
        "What is the dominant religion of this land?",
        "Which religious group is the largest?",
        "Tell me the religion with the most members in this state.",
        "What is the majority religion?",
        "By religion, what are most people in this country?",
        "Which church or faith counts the most people here?",
        "What religion is most widespread in this country?",
        "The biggest religious community of this nation is which?",
        "What is the first religion of the country by number of believers?",
    ),
    "export": (
        "What does this country mainly export?",
        "Which product is the first among the exports of this country?",
        "What is the main export of the country with this flag?",
        "Name the most important export good.",
        "What goods does this nation chiefly sell abroad?",
        "What is sold abroad first of all?",
        "Which commodity leads the list of exports?",
        "What does this land ship to other countries above all?",
        "Tell me the principal export product.",
        "What do other countries mostly buy from this one?",
        "Which good is this country's leading export?",
        "What product earns this state money on foreign markets?",
        "What kind of goods leave this country for export?",
        "Which exported good comes first?",
        "The chief export of this nation is what?",
        "What merchandise is exported from here?",
    ),
    "export_partner": (
        "Which country buys most of the exports of this country?",
        "Who is the largest export partner of the country with this flag?",
        "To which country does this nation export most?",
        "Name the main buyer of its exports.",
        "Where do most of this country's exports go?",
        "Which country is the most important customer for its goods?",
        "What is the main destination of the exports?",
        "Who takes the biggest share of what this nation exports?",
        "Tell me the first export partner of this state.",
        "Which trading partner receives most exports from this land?",
        "To whom does this country sell the most?",
        "Which market is the biggest for this country's exporters?",
        "The leading export partner of this country is which?",
        "Which nation imports the most from this one?",
        "What country stands first among the partners in exports?",
        "Where does the largest part of the exported goods end up?",
    ),
    "export_value": (
        "How much are the exports of this country worth?",
        "What is the value of the exports of the country with this flag?",
        "How many dollars does this country earn from exports?",
        "What do the exports amount to in dollars?",
        "For how much money does this nation export goods in a year?",
        "What is the total worth of the goods that it sells abroad?",
        "How large are the exports in US dollars?",
        "Tell me the total value of exports.",
        "What sum does this land make by exporting?",
        "How much money do exports bring in?",
        "Give the yearly export earnings of this state.",
        "What is the amount earned by selling goods abroad?",
        "How big is the export revenue of this nation?",
        "The exports of this country have what value?",
        "In dollars, how much is exported?",
        "What is the volume of exports in money?",
    ),
    "coastline": (
        "How long is the coast of this country?",
        "What is the length of the coastline?",
        "How many kilometres of shore does this nation have?",
    ),
    "ethnic_group": (
        "Which is the largest ethnic group of this country?",
        "What people form the biggest part of the population by ethnicity?",
        "Name the main ethnic group.",
    ),
}

CHINESE: dict[str, tuple[str, ...]] = {
    "region": (
        "这个国家位于世界的哪个地区？",
        "这面国旗所属的国家在世界的哪个部分？",
        "该国在哪个地区？",
        "请说出这个国家所在的地区。",
        "这个国家在地球上的什么地方？",
        "在世界地图上，这个国家位于哪里？",
        "悬挂这面旗帜的国家处在哪个区域？",
        "它的地理位置在哪一带？",
    ),
    "highest_point": (
        "这个国家的最高点是哪里？",
        "这面国旗所属国家的最高峰叫什么？",
        "该国最高的山是哪座？",
        "请说出这个国家最高峰的名字。",
        "在这个国家，哪座山最高？",
        "全国最高的地方叫什么？",
        "登上哪座山峰就站在这个国家的最高处？",
        "这个国家的第一高峰是什么？",
    ),
    "elevation": (
        "这个国家的最高点海拔多少米？",
        "这面国旗所属国家的最高峰有多高？",
        "该国最高的山有多少米高？",
        "请说出最高点的海拔高度。",
        "全国最高处的高度是多少？",
        "最高的山峰高多少米？",
        "这个国家最高峰的海拔是多少？",
        "它的最高点高出海平面多少？",
    ),
    "independence_year": (
        "这个国家是哪一年独立的？",
        "这面国旗所属的国家什么时候独立？",
        "该国在哪一年获得独立？",
        "请说出这个国家独立的年份。",
        "它从哪一年起成为独立国家？",
        "这个国家何时取得独立？",
        "独立是在哪一年实现的？",
        "这个国家独立于什么年份？",
    ),
    "independence_from": (
        "这个国家从哪个国家独立出来？",
        "这面国旗所属的国家脱离了谁而独立？",
        "该国独立之前由谁统治？",
        "请说出这个国家独立前的宗主国。",
        "它从谁的手中获得独立？",
        "独立以前，这个国家属于哪个国家？",
        "这个国家曾经受哪个国家管辖，后来才独立？",
        "它是摆脱哪国统治后独立的？",
    ),
    "holiday": (
        "这个国家的国庆日是哪一天？",
        "这面国旗所属国家的国庆节在几月几日？",
        "该国什么时候庆祝国庆？",
        "请说出这个国家国庆节的日期。",
        "全国性的节日是哪一天？",
        "人们在哪一天庆祝国庆日？",
        "国庆节是每年的什么日子？",
        "这个国家每年何时举行国庆庆典？",
    ),
    "anthem": (
        "这个国家的国歌叫什么？",
        "这面国旗所属国家的国歌是哪首歌？",
        "该国国歌的名称是什么？",
        "请说出这个国家国歌的标题。",
        "升这面国旗时奏哪首国歌？",
        "人们唱的国歌叫什么名字？",
        "哪一首歌是这个国家的国歌？",
        "它的国歌题目是什么？",
    ),
    "language": (
        "这个国家的官方语言是什么？",
        "这面国旗所属国家以什么语言为官方语言？",
        "该国的官方语言是哪种？",
        "请说出这个国家的官方语言。",
        "政府正式使用哪种语言？",
        "哪种语言在这个国家具有官方地位？",
        "这个国家官方使用的是什么语言？",
        "官方文件用哪种语言书写？",
    ),
    "religion": (
        "这个国家最大的宗教是什么？",
        "这面国旗所属国家的多数人信什么教？",
        "该国信徒最多的宗教是哪种？",
        "请说出这个国家的主要宗教。",
        "大部分人信仰什么宗教？",
        "哪种宗教在这个国家最普遍？",
        "这个国家的居民主要信奉什么？",
        "人数最多的宗教群体是哪个？",
    ),
    "export": (
        "这个国家主要出口什么？",
        "这面国旗所属国家的第一大出口产品是什么？",
        "该国最重要的出口商品是什么？",
        "请说出这个国家的主要出口产品。",
        "它主要向国外卖什么东西？",
        "出口货物中排在首位的是什么？",
        "这个国家卖到国外的主要商品是什么？",
        "什么产品是它的主要出口货物？",
    ),
    "export_partner": (
        "这个国家最大的出口伙伴是哪个国家？",
        "这面国旗所属国家的产品出口到哪个国家最多？",
        "该国的第一大出口对象国是谁？",
        "请说出这个国家的主要出口目的地。",
        "哪个国家购买它的出口货物最多？",
        "它的出口商品大多卖给哪个国家？",
        "这个国家的出口主要去往哪国？",
        "最大的出口市场是哪个国家？",
    ),
    "export_value": (
        "这个国家的出口总额是多少？",
        "这面国旗所属国家的出口值多少美元？",
        "该国一年的出口额有多少？",
        "请说出这个国家的出口金额。",
        "它靠出口赚多少钱？",
        "出口货物一共值多少钱？",
        "这个国家的出口收入是多少美元？",
        "出口总值达到多少？",
    ),
    "coastline": ("这个国家的海岸线有多长？", "海岸线的长度是多少公里？"),
    "ethnic_group": ("这个国家最大的民族是哪个？", "请说出这个国家的主要民族。"),
}

#: questions that no entry answers, in training and in the test about different things
FOREIGN: dict[str, tuple[str, ...]] = {
    "train": (
        "Who is the president of this country?",
        "How many people live in this country?",
        "What is the dialling code of this country?",
        "Which football club is the most popular here?",
        "How many hospitals are there in this country?",
        "Is this a nice flag?",
        "What time is it there now?",
        "How much does a loaf of bread cost in this country?",
        "Which university is the oldest of this nation?",
        "On which side of the road do people drive?",
        "What is the average wage?",
        "How many members does its parliament have?",
        "Who wrote the constitution of this state?",
        "Which airline flies there?",
        "What is the birth rate of this land?",
        "这个国家的总统是谁？",
        "这个国家有多少人口？",
        "这个国家的电话区号是多少？",
        "那里的物价高吗？",
        "这个国家有几所大学？",
        "人们在道路的哪一边开车？",
        "这面国旗好看吗？",
    ),
    "validation": (
        "How many schools are there in this country?",
        "Who is the richest person of this nation?",
        "这个国家的议会有多少议员？",
    ),
    "test": (
        "What is the unemployment rate of this country?",
        "Who won the last election in this country?",
        "Which newspaper has the most readers there?",
        "What is the life expectancy in this nation?",
        "How many airports does the country with this flag have?",
        "What is the best hotel in town?",
        "这个国家的失业率是多少？",
        "这个国家的总理叫什么名字？",
        "那里今天的天气怎么样？",
        "这个国家有几个机场？",
    ),
}

#: what can be asked for in training, in the order of the entries
RELATIONS = tuple(relation for relation in ENGLISH if relation not in HELD_OUT)


@functools.cache
def wordings(split: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the wordings of one split, by relation, each with its language.

    Parameters
    ----------
    split
        ``"train"``, ``"validation"`` or ``"test"``. The relations of :data:`HELD_OUT` are asked in
        the test only.

    Returns
    -------
    dict of str to tuple of (str, str)
        Pairs of a question and ``"en"`` or ``"zh"``.

    Raises
    ------
    ValueError
        If there is no such split.

    Examples
    --------
    >>> {split: len(wordings(split)["region"]) for split in SHARES}
    {'train': 16, 'validation': 3, 'test': 5}
    >>> set(wordings("train")["region"]) & set(wordings("test")["region"])
    set()
    """
    if split not in SHARES:
        raise ValueError(f"split is {split!r}, expected one of {', '.join(SHARES)}.")
    found = {}
    for relation in ENGLISH:
        if relation in HELD_OUT and split != "test":
            continue
        found[relation] = tuple(
            (text, language)
            for column, (language, texts) in enumerate((("en", ENGLISH), ("zh", CHINESE)))
            for text in _drawn(texts[relation], relation, language, split, column)
        )
    return found


def _drawn(
    texts: tuple[str, ...], relation: str, language: str, split: str, column: int
) -> list[str]:
    """Draw the wordings of one split: the same ones at each call, none of another split."""
    if relation in HELD_OUT:
        return list(texts)
    order = random.Random(f"{relation} {language}").sample(texts, len(texts))
    earlier = list(SHARES)[: list(SHARES).index(split)]
    start = sum(SHARES[name][column] for name in earlier)
    return order[start : start + SHARES[split][column]]
