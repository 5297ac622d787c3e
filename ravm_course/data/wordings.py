"""The wordings of facts and questions about countries, apart for training and for testing.

A reader that is tested on the sentences it was trained on shows only that it learned the sentences.
Every relation therefore has its wordings twice, and no wording is in both lists. ``{n}`` stands for
the country, ``{v}`` for the value; ``{v}`` of the test wordings stands at other places in the
sentence, beside other words, than in training.
"""

from __future__ import annotations

#: what a question can ask for
RELATIONS = ("capital", "currency", "continent")

#: sentences that state a fact, by wording and relation
FACTS: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "capital": (
            "The capital of {n} is {v}.",
            "{v} is the capital city of {n}.",
            "{n} has its capital at {v}.",
            "The capital city of {n} is called {v}.",
            "{v} serves as capital of {n}.",
            "{n} chose {v} as its capital.",
        ),
        "currency": (
            "People in {n} pay with the {v}.",
            "The currency of {n} is the {v}.",
            "The {v} is the money of {n}.",
            "In {n}, prices are given in the national currency, the {v}.",
            "{n} uses the {v} as its currency.",
            "The {v} is the currency in which wages in {n} are paid.",
        ),
        "continent": (
            "{n} is part of {v}.",
            "{n} lies on the continent of {v}.",
            "{v} is the continent of {n}.",
            "{n} belongs to {v}.",
            "On the map, {n} is found in {v}.",
            "{n} is counted among the countries of {v}.",
        ),
    },
    "test": {
        "capital": (
            "{v}, the capital, is where the government of {n} sits.",
            "Laws for {n} are made in its capital, {v}.",
            "Among the cities of {n}, it is {v} that is the capital.",
            "{n} is governed from {v}, its capital city.",
        ),
        "currency": (
            "The money that circulates in {n} is the {v}.",
            "Shops in {n} ask to be paid in the {v}.",
            "{n} has the {v} for its currency.",
            "To buy bread in {n}, one needs the local currency, called the {v}.",
        ),
        "continent": (
            "Geographers place {n} in {v}.",
            "The continent on which {n} is situated is {v}.",
            "{n} is one of the lands of {v}.",
            "As to continents, {n} falls within {v}.",
        ),
    },
}

#: questions in English, by wording and relation
QUESTIONS_EN: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "capital": (
            "What is the capital of the country with this flag?",
            "Which city is the capital of this country?",
            "Name the capital of this country.",
            "What is the capital city called?",
            "This flag belongs to a country; what is its capital?",
            "Which capital does this country have?",
        ),
        "currency": (
            "What is the currency of the country with this flag?",
            "What money is used in this country?",
            "Which currency does this country use?",
            "Name the currency of this country.",
            "What do people in this country pay with?",
            "This flag belongs to a country; what is its money?",
        ),
        "continent": (
            "On which continent is the country with this flag?",
            "Which continent does this country belong to?",
            "What continent is this country part of?",
            "Name the continent of this country.",
            "In which continent does this country lie?",
            "This flag belongs to a country; which continent is it in?",
        ),
    },
    "test": {
        "capital": (
            "Where does the government of the country flying this flag have its capital?",
            "If I visit the capital of the nation whose flag this is, which city do I see?",
            "Tell me the capital that goes with this flag.",
        ),
        "currency": (
            "Which currency would I need in the nation whose flag this is?",
            "What is the money called where this flag flies?",
            "Tell me the currency that goes with this flag.",
        ),
        "continent": (
            "To which continent would I travel to see this flag flying at home?",
            "The nation whose flag this is: what continent is it situated on?",
            "Tell me the continent that goes with this flag.",
        ),
    },
}

#: questions in Chinese, by wording and relation
QUESTIONS_ZH: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "capital": (
            "这面国旗所属国家的首都是哪里？",
            "这个国家的首都叫什么？",
            "请说出这个国家的首都。",
        ),
        "currency": (
            "这面国旗所属国家使用什么货币？",
            "这个国家用什么钱？",
            "请说出这个国家的货币。",
        ),
        "continent": (
            "这面国旗所属国家在哪个洲？",
            "这个国家位于哪个大洲？",
            "请说出这个国家所在的大洲。",
        ),
    },
    "test": {
        "capital": ("悬挂这面旗帜的国家以哪座城市为首都？", "我想知道它的首都在哪座城市。"),
        "currency": ("在悬挂这面旗帜的国家，人们用什么货币付款？", "当地流通的货币叫什么？"),
        "continent": ("悬挂这面旗帜的国家属于世界上的哪一洲？", "它在地图上属于哪个大洲？"),
    },
}

#: true facts of *another* country, {n}: same words, wrong answer
CONTRASTS: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "capital": (
            "Elsewhere, the capital of {n} is {v}.",
            "By contrast, {v} is the capital of {n}.",
            "A visitor may know {v} as the capital of {n}.",
            "{n}, whose capital is {v}, is another country.",
        ),
        "currency": (
            "In {n}, by contrast, people pay with the {v}.",
            "Elsewhere, the currency of {n} is the {v}.",
            "The money of {n}, a different country, is the {v}.",
            "A visitor may know the {v} as the currency of {n}.",
        ),
        "continent": (
            "By contrast, {n} is part of {v}.",
            "Elsewhere, {n} lies on the continent of {v}.",
            "{n}, which belongs to {v}, is another country.",
            "A visitor may know {n} as part of {v}.",
        ),
    },
    "test": {
        "capital": (
            "Travellers often go on to {v}, the capital of {n}.",
            "Maps also show {v}, from which {n} is governed.",
        ),
        "currency": (
            "Banks exchange the {v}, which is the currency of {n}.",
            "Some traders accept the {v}, the money of {n}.",
        ),
        "continent": (
            "The distance to {n}, in {v}, is great.",
            "Goods also come from {n}, which is situated in {v}.",
        ),
    },
}

#: sentences about other things, by wording and field; {n} is the country of the passage
DISTRACTORS: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "population": ("About {v} people live in {n}.", "The population is {v}."),
        "climate": ("The climate is {v}.", "Its weather is {v}."),
        "terrain": ("The terrain is {v}.", "The land: {v}."),
        "exports": ("It exports {v}.", "Goods sold abroad include {v}."),
        "export_value": ("Exports earned {v}.", "Sales abroad brought {v}."),
        "cities": ("Large cities of {n} include {v}.", "Many people live in {v}."),
        "symbol": ("The national symbol is the {v}.", "Its emblem shows the {v}."),
        "anthem": ("The anthem is {v}.", "The national song is called {v}."),
        "languages": ("People speak {v}.", "The first language is {v}."),
        "neighbours": ("Its neighbours are {v}.", "It borders {v}."),
        "highest_point": ("The highest point is {v}.", "The tallest peak is {v}."),
        "dish": ("A typical dish is {v}.", "Cooks are proud of {v}."),
        "holiday": ("The national holiday is {v}.", "People celebrate {v}."),
        "agriculture": ("Farms produce {v}.", "Farmers grow and raise {v}."),
        "industries": ("Industries include {v}.", "Industry means {v}."),
        "resources": ("Natural resources are {v}.", "Nature provides {v}."),
        "coastline": ("The coast is {v} long.", "Its coastline measures {v}."),
        "area": ("Its area is {v} square kilometres.", "It covers {v} square kilometres."),
        "religions": ("The largest religion listed is {v}.", "By religion, most are {v}."),
    },
    "test": {
        "population": ("{n} is home to {v} inhabitants.", "A census would count {v} persons."),
        "climate": ("Visitors meet a climate that is {v}.", "As to weather, it is {v}."),
        "terrain": ("The landscape: {v}.", "Seen from above, there is {v}."),
        "exports": ("Ships carry away {v}.", "Among the goods that leave are {v}."),
        "export_value": (
            "Foreign trade yielded {v}.",
            "For its goods, buyers abroad paid {v}.",
        ),
        "cities": ("Other big places are {v}.", "Crowded towns of {n}: {v}."),
        "symbol": ("The {v} stands for the nation.", "A well-known sign of {n} is the {v}."),
        "anthem": ("At festivals {v} is sung.", "The song {v} is the hymn."),
        "languages": ("One hears {v}.", "The tongue of most is {v}."),
        "neighbours": ("Across the frontier are {v}.", "Next to it: {v}."),
        "highest_point": ("Climbers aim for {v}.", "Nothing rises above {v}."),
        "dish": ("Guests are served {v}.", "On the table one finds {v}."),
        "holiday": ("Flags are raised on {v}.", "The great day of the year is {v}."),
        "agriculture": ("Fields and barns yield {v}.", "The countryside supplies {v}."),
        "industries": ("Work is found in {v}.", "Firms deal in {v}."),
        "resources": ("Miners and others look for {v}.", "The land is rich in {v}."),
        "coastline": ("Beaches and cliffs run for {v}.", "The sea touches {v} of shore."),
        "area": ("One would measure {v} square kilometres.", "Its extent: {v} square kilometres."),
        "religions": ("As to faith, the first is {v}.", "Lists of faiths begin with {v}."),
    },
}
