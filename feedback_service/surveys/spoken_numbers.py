"""Numbers said in words (uk, ru, en): patterns of the words, and how many digits they say."""

import re

QUOTE = "['’ʼ`\"*]"
ZERO = r"(?:нуль|нуля|ноль|нол|zero)"
TEENS = r"(?<!\w)(?:\w[\w'’ʼ]{1,8}надц[яа]т[ьи]?|(?:eleven|twelve|\w{3,5}teen))(?!\w)"
TENS = (
    rf"(?<!\w)(?:двадц[яа]т[ьи]|тридц[яа]т[ьи]|сорок|п{QUOTE}?ят[ьи]?десят|шіс[тц]ь?десят|шест[ьи]десят|"
    rf"с[іе]м[ьи]?десят|в[іо]с[іе]м[ьи]?десят|дев{QUOTE}?я?яно[сc]то|десят[ьи]|ten|twenty|thirty|fou?rty|fifty|sixty|"
    r"seventy|eighty|ninety)(?!\w)"
)
HUNDREDS = (
    rf"(?<!\w)(?:сто|двісті|двести|(?:три|чотири|четыре)ста|(?:п{QUOTE}?ять?|шіс?т?ь?|шесть|с[іе]мь?|в[іо]с[іе]мь?|"
    rf"дев{QUOTE}?ять?)сот)(?!\w)"
)
UNITS = (
    rf"(?<!\w)(?:{ZERO}|од[ие]н|одна|одне|дв[аіе]|три|чотири|четыре|п{QUOTE}?ять|шість|шесть|с[іе]мь?|в[іо]с[іе]мь?|"
    rf"дев{QUOTE}?ять|one|two|three|four|five|six|seven|eight|nine)(?!\w)"
)
SAID_NUMBER = rf"(?:{UNITS}|{TENS}|{TEENS}|{HUNDREDS}|(?<!\d)\d{{1,3}}(?!\d))"
# The day and the year of a date, said in the genitive: «двадцять першого», «тисяча дев'ятсот дев'яностого»
ORDINAL = (  # without its ending
    rf"(?<!\w)(?:перш|перв|друг|втор|треть|четверт|п{QUOTE}?ят|шост|шест|сьом|седьм|восьм|дев{QUOTE}?ят|десят|"
    r"\w[\w'’ʼ]{1,8}надц[яа]т|двадц[яа]т|тридц[яа]т)"
)
SAID_YEAR = (
    rf"(?:т[иы]сяча дев{QUOTE}?ят(?:ьс|с)от|дв[іе] т[иы]сячі?и?)(?: \w[\w'’ʼ]{{2,15}})?? \w[\w'’ʼ]{{2,15}}(?:ого|его)"
)


def count_spoken_digits(found: str) -> int:
    """Return how many digits are said: «сто двадцять три» says three, as «нуль сорок п'ять» does."""
    count = room = 0  # room: how many of the last digits the next word can still change
    for word in re.finditer(
        rf"(?P<hundreds>{HUNDREDS})|(?P<teens>{TEENS})|(?P<tens>{TENS})|\d+|(?:[^\W\d]|['’ʼ`])+", found
    ):
        size = {"hundreds": 3, "teens": 2, "tens": 2}.get(word.lastgroup or "", 1)
        if word[0].isdigit():
            count, room = count + len(word[0]), 0
        elif re.fullmatch(ZERO, word[0], re.IGNORECASE):
            count, room = count + 1, 0
        else:
            count += 0 if room >= size else size
            room = size - 1 if word.lastgroup != "teens" else 0
    return count
