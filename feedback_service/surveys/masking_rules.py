"""The rules of the privacy guard: one table of what is masked, and of what is set aside so that it stays.

A rule is for a *kind* of data, not for single examples. A number without a shape of its own needs a key word before
it. The time is linear in the length of the text, because repeated parts of a pattern are bounded, possessive or
cannot overlap.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from feedback_service.surveys.identifier_checks import (
    extract_digits,
    is_card,
    is_id_card,
    is_list_of_grades,
    is_odd_card,
    is_phone,
    is_rising,
    is_said_card,
    is_said_phone,
    is_short_phone,
    is_tax_number,
    is_unzr,
    passes_iban_check,
)
from feedback_service.surveys.spoken_numbers import (
    HUNDREDS,
    ORDINAL,
    QUOTE,
    SAID_NUMBER,
    SAID_YEAR,
    TEENS,
    TENS,
    UNITS,
    ZERO,
)

ORDINARY = "ordinary"  # dates, times, prices, norms: set aside, so that no later rule takes them for part of a number


@dataclass(frozen=True, slots=True)
class MaskingRule:
    """A pattern to mask (only its group ``it``, if there is one), if what it found passes ``fits``."""

    kind: str
    pattern: re.Pattern[str]
    fits: Callable[[str], bool]


def _make_rule(kind: str, pattern: str, fits: Callable[[str], bool] = lambda found: True) -> MaskingRule:
    """Build a rule that ignores case; ``~`` stands for separators of digits, ``%`` for those within a line."""
    pattern = pattern.replace("~", r"[^\w\0]{0,5}").replace("%", r"(?:(?! ?[,;.!?:] )[ ./:()*-]{1,4})?")
    return MaskingRule(kind, re.compile(pattern, re.IGNORECASE), fits)


# ---- parts of patterns ----------------------------------------------------------------------------------------

LETTERS = "a-zа-яєіїґ"
ROMAN = r"(?=[xvх]{0,4}[iі])[xх]{0,3}(?:[iі][xvх]|v?[iі]{0,3})(?![\w-])"  # short codes are hardly ever such
UPPER = "A-ZА-ЯЄІЇҐ"
PLATE = "ABCEHIKMOPTXYZАВСЕНІКМОРТХΑΒΕΗΙΚΜΟΡΤΧ"  # letters of Ukrainian plates in three scripts
CURRENCY = r"(?:грн|грив|₴|uah|usd|eur|\$|€|євро|дол|руб|тис|млн|коп)"
COUNTED = (
    r"(?:раз|люд|чол|осіб|особ|хв|год|дні|дня|день|діб|місяц|міс\.|рок[иу]|років|рік|шт|кв\.? ?м|м²|км|балі|мин|час|"
    r"лет|"
    r"мешкан|жител|заяв|звернен|сторін|екран|times|people|minutes|hours|days|years|числ|секунд|копі|бланк|талон)"
)
NOT_COUNTED = rf"(?! ?(?:{CURRENCY}|{COUNTED}))"
# Two letters that are a word or an abbreviation, so no series of a passport and no half of a plate.
SHORT_WORDS = (
    "(?:на|до|по|за|із|зі|об|не|ні|то|та|чи|як|ще|ст|гр|аж|ой|ах|ох|ех|ну|ви|ми|їх|їй|їм|її|бо|ба|би|же|це|цю|ці|ти|"
    "те|ту|ця|ті|от|он|хо|да|мы|вы|их|им|во|со|ко|из|ли|бы|уж|но|ты|ей|ее|её|эх|тю|пн|вт|ср|чт|пт|сб|нд|вс|см|км|"
    "кг|мм|шт|кв|вл|хв|ул|пр|бл|of|in|on|at|to|by|is|no|or|me|we|id|an|as|be|do|go|he|if|it|my|so|up|us|am|ok|vs)"
)
TWO_LETTERS = rf"(?<!\w)(?=[{LETTERS}]{{2}}(?![{LETTERS}]))"
A_SHORT_WORD = rf"(?-i:(?![{UPPER}]{{2}})){SHORT_WORDS}"  # capitals may be a series
YEAR, MONTH, DAY = r"(?:19|20)\d\d", r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
HOUR, MINUTE = r"(?:2[0-4]|[01]?\d)", r"[0-5]\d"
NEAR = rf"(?:(?:19[5-9]|20[0-4])\d|{DAY}\.{MONTH}|{HOUR}\.{MINUTE})(?!\d)"  # a year, 20.11 or 10.15
MONTH_NAME = (
    r"(?:січ|лют|бер|кв[іи]т|трав|черв|лип|серп|верес|жовт|листоп|груд|янв|фев|мар|апр|ма[яй]|июн|июл|авг|сен|окт|ноя|"
    r"дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w{0,8}"
)
DATE = (
    rf"(?:{DAY}(?: ?[./-] ?){MONTH}(?: ?[./-] ?)(?:{YEAR}|\d\d)(?!\d)|{YEAR}[./-]{MONTH}[./-]{DAY}(?!\d)|"
    rf"{DAY}(?:st|nd|rd|th|-?го)? {MONTH_NAME}(?:,? {YEAR}(?: ?року| ?года| ?р\.| ?г\.)?)?|"
    rf"{MONTH_NAME} {DAY}(?:st|nd|rd|th)?,? {YEAR})"
)
SAID_DATE = (
    rf"(?:(?:двадц[яа]ть|тридц[яа]ть) )?{ORDINAL}[ое]го {MONTH_NAME}"
    rf"(?: {YEAR}(?: ?року| ?года| ?р\.| ?г\.)?| {SAID_YEAR}(?: року| года)?)?"
)

# E-mail addresses, written and said
SPOKEN_DOT = r"(?:dot|дот|крапк[аоу]|точк[аоу]|тчк)"
SPOKEN_SIGN = rf"(?:{SPOKEN_DOT}|дефіс|тире|мінус|підкреслення|underscore|dash)"
LOCAL = rf"(?<![\w.+&'-])(?:[\w.+'-]{{1,30}} {SPOKEN_SIGN} ){{0,3}}[\w.+&'-]++"  # the part before the sign
DOT = rf"(?: ?\.{{1,2}} ?|,| ?[(\[{{<] ?(?:\.|{SPOKEN_DOT}) ?[)\]}}>] ?| {SPOKEN_DOT} )"
SPOKEN_AT = r"(?:собака|собачка|собачко|собаки|равлик|песик|sobaka|dog)"
AT = (
    rf"(?: {{0,2}}@{{1,3}} {{0,2}}| {{0,2}}[(\[{{<*\x22«] ?(?:@|at|ат|ет|эт|{SPOKEN_AT}) ?[)\]}}>*\x22»] {{0,2}}|"
    rf"[(\[{{<][aа][)\]}}>]| ?[-,]? ?{SPOKEN_AT} ?[-,]? ?)"
)
DOMAIN_ENDS = r"(?:com|ua|net|org|info|ru|ру|gov|edu|eu|pl|de|uk|me|io|biz|online|укр|ком|юа|уа|нет|нэт|орг|інфо|сом)"
PROVIDERS = (
    r"(?:g[ -]?mail|ukr ?\.? ?net|укр ?\.? ?н[еэ]т|yahoo|outlook|hotmail|icloud|proton\w*|meta|bigmir|mail|i\.ua|"
    r"дж[иіей]{1,2}м[еєэ]й?л|гм[аеєэ][йі]л|жмайл|м[еєэ]йл|аутлук|яху|yandex|яндекс|rambler|мета|бігмір|ай[ .]?клауд)"
)

# Key words. A number after one of these words of other things is not that person's number.
OTHER_THINGS = (
    r"талон|справ|заяв|чер[гз]|ч[еє]к[аи ]|кабін|каб\.|вікн|код|послу[гз]|рахун|сум[аиу]|дел[оау]\b|очеред|окн|"
    r"наказ|закон|постанов|[єе]дрпоу|грн|лінії|лінію|маршрут|квитан|довід[ко]|будин|буд\.|індекс|queue|"
    r"ticket|window|case|бланк|помилк"
)
GAP = rf"(?:(?!{OTHER_THINGS})(?:[^\d\0.!?;]|\.(?! ?(?-i:[{UPPER}])))){{0,25}}?"
A_TIME = rf"(?:(?:\0{{4,5}}|{HOUR}[.:]{MINUTE})[^\d\0.!?;]{{1,8}})?"  # also one that is already set aside
PHONE_WORD = (
    rf"(?<!\w)(?:(?:тел|тлф|моб|роб|сот|дом|міськ|гор|домашн[іи]й|tel|mob|ph|fax|cell|sms|смс)(?![{LETTERS}])|"
    r"(?:за|по|пере|про|об|до|від|со|на|при|от)?(?:т[еєи]л[еєи]ф|дзв[оі]н|звон)|мобіл|мобил|набер|набир|"
    rf"зв{QUOTE}?я(?:ж|з)|связ|свяж|контакт|факс|вайбер|вотсап|ват[сц]ап|viber|whats ?app|call|"
    r"(?:re|tele)?phone|mobile|dial|text me|(?:мій|мого|мой|моего|my|our|наш) (?:номер|number|no)|(?:за|по|на) номер|"
    r"стаціонарн)"
)
NOT_PAST = r"(?!\w{0,12}(?:л[аио]|[аиіую]в)(?!\w))"  # «дзвонила 20-11-26» tells a day
DOCUMENT_WORD = (
    r"(?<!\w)(?:паспорт|посв[іе]дч|посвідк|пасп\.|passport|удостовер|документ|(?:ід|id|айді)(?!\w)[ -]?(?:карт|card)?|"
    r"pasport|пачпорт|паспр|закордонн)"
)
TAX_WORD = (
    rf"(?<!\w)(?:(?:[іи]пн|инн|ідн|і\.п\.н|рнокпп|drfo|дрфо|tin|ipn|rnokpp)(?![{LETTERS}])|ідентиф|идентиф|податков|"
    r"налогов|код платника|tax(?:payer)?)"
)
NO_PLATE = r"(?:на|не|но|то|та|от|до|за|по|ні|чи|і[зн]|км|кг|см|шт|хв|гр)(?!\w)"
CAR_WORD = (
    r"(?<!\w)(?:авто|мото|скутер|причіп|причеп|прицеп|машин|тачк|номерн|(?:держ|гос)\.? ?номер|держ\.? ?знак|car(?!\w)|"
    r"plate|vehicle)"
)
LICENCE_WORD = r"(?<!\w)(?:водій|водія|водит|вод\.|права?(?!\w)|в/п|(?:ву|вп|пв)(?!\w)|driv|licen[cs]e)"

CALL_ME = (  # after a telephone
    r"(?:(?:за|пере|по)?(?:дзвоніть|звоните|телефонуйте)|наберіть|набирайте|call me|"
    r"(?:(?:це|это) )?(?:мій|мой|наш) (?:дом|тел|ном|моб|роб))"
)
LOCAL_PHONE = r"(?:\d{1,3}-\d\d-\d\d|\d{1,3} \d\d \d\d|\d\d-\d{3}|\d{3}-\d{3})(?!\d)"

# Names and addresses

ROLES = (
    r"(?:оператор|користувач|керівник|заявни[кц]|адміністратор|працівни[кц]|спеціаліст|начальник|директор|клієнт|"
    r"пользовател|руководител|заявител|администратор|сотрудник|специалист|поліці|ваш|наш|електронн|державн)"
)
NAME = (
    rf"(?!ім.?я|имя|по(?!\w)|прізв|отч|фам|ді(?:я|ї|ю|єю)(?!\w)|{ROLES}\w{{0,3}}(?!\w))"
    r"(?-i:[A-ZА-ЯЄІЇҐЁ](?:[a-zа-яєіїґё]|['’ʼ`](?=[a-zа-яєіїґё])){1,25}"
    r"(?:-[A-ZА-ЯЄІЇҐЁ][a-zа-яєіїґё]{1,25})?)"
)
INITIALS = r"(?-i: ?[A-ZА-ЯЄІЇҐЁ]\. ?(?:[A-ZА-ЯЄІЇҐЁ]\.)?)"
FIRST_INITIALS = rf"(?-i:[{UPPER}Ё]\. ?(?:[{UPPER}Ё]\. ?)?)"
FULL_NAME = rf"(?:{FIRST_INITIALS})?{NAME}(?: {NAME}){{0,2}}(?:{INITIALS})?"
OPENING = r"[\x22«„“']?"
NICKNAMED = r"(?<!\w)мен[еія] (?:вс[іе] )?клич[уе]ть?"
CALLED = r"(?<!\w)(?:мен[еія] (?:зва[тл][иь]|зо?вуть?)|(?:зва[тл][иь]|звуть|зовут) мен[ея]|my name is|my name['’]s)"
NAME_WORD = (
    rf"(?<!\w)(?:(?:на|по|під) )?(?:прізвищ[еа]|фам[иі]л[иі][яії]\w?|ім{QUOTE}?я|имя|п\.?[іи]\.?[бп]\.?|"
    rf"ф\.?[иі]\.?о\.?|"
    r"surname|full name|last name|first name|name)(?!\w)"
)
NO_NAME = (
    r"(?:до|ніхто|никто|не|нікому|ніяк|як|стал\w*|поча\w*|забу\w*|буд\w*|хоч\w*|вже|знов\w*|потім|тільки|лише|просто|"
    r"перестал\w*|треба|так|інакше|через|після|назад|ще|можна|должн\w*|нужно|надо|только|опять|когда|коли|якщо|если|"
    r"у|к|"
    r"на|по|в|за|без|навіть|даже|довго|долго|другим\w*|іншим\w*|чужим\w*|кожн\w*|щораз\w*|ввічлив\w*|голосно)(?!\w)"
)
NO_SURNAME = (
    r"(?:не|ні(?!\w)|нема|нет|помил|ошиб|невід|відсут|неправ|правил|інш|друг|дівоч|девич|також|написа|вказа|указа|"
    r"бу[вл]|так(?!\w)|без)"
)
NO_SALUTE = (
    r"(?!ва[мсш]|дяку|дуже|спасиб|ви(?!\w)|вы(?!\w)|україн|громадян|центр|хоч|прош|бу[вл]|прий|чек|вже|тут|не(?!\w)|"
    r"так|звер|бач|зна[юйєв])"
)
NAME_END = r"(?:енко|[чщ]ук|юк|[сц]ьк(?:ий|а)|[оеє]вич|[іїоеє]вна|[оеє]ва?|[іи]на?|ець|ий)"
STREET = (
    r"(?<!\w)(?:вул(?:иц\w{1,3})?|ул(?:иц\w{1,2})?|просп(?:ект\w{0,2})?|пр-?т|бульв(?:ар\w{0,2})?|б-р|пр(?=\.)|бул|"
    r"пров(?:улок|улк\w)?|пер(?:еул\w{2,3})?|площ\w{1,2}|пл|шосе|узвіз|набережн\w{1,2}|мкр-?н?|вулиці)(?:\.|(?!\w))"
)
HOUSE = r"[ ,]{0,2}(?:(?:буд(?:\.|инок|инку)?|б\.|д\.|дом|№) ?)?\d{1,4}(?:[/-]\d{1,3})?(?:[ -]?[а-г](?!\w))?(?!\d)"
FLAT = r"[ ,]{1,3}(?:кв(?:\.|арт\w{1,4})?|помешк\w{2,6}|apt\.?|flat) ?№? ?\d{1,4}(?!\d)"
SETTLEMENT = r"(?:(?<!\w)(?:м|с|смт|г|сел[оі]|міст[оі])\.? ?[^\W\d]{3,20}, ?)?"
ADDRESS = rf"{SETTLEMENT}{STREET} ?[^\d\n\0;!?:]{{2,30}}?{HOUSE}"
LIVES = (
    r"(?<!\w)(?:жив[уе]\w{0,3}|мешка(?:ю|є|ємо|в|ла|ли)(?!\w)|прожива\w{1,5}|прописан\w{1,2}|"
    r"зареєстрован\w{1,2}|зарегистр\w{1,10}|мо[яєїю]\w? (?:домашн\w{1,2} )?адрес\w|"
    r"адрес[аи]? (?:прож|реєстр|регистр|прописк)\w{1,9}|домашн\w{1,2} адрес\w)"
)
PLACE = rf"(?-i:[{UPPER}])[{LETTERS}'’ʼ-]{{2,25}}"  # a settlement or a street without its kind
SETTLEMENT_WORD = r"(?:м|с|смт|г|міст[іо]|сел[іо]|городе?)(?:\.|(?!\w))"
HOME = rf"(?:{SETTLEMENT_WORD} ?)?(?:{PLACE}, ?){{0,2}}{PLACE}(?: {PLACE})?{HOUSE}(?:{FLAT})?(?![\d/-]){NOT_COUNTED}"
HANDLE_WORD = (
    r"(?<!\w)(?:телеграм\w?|т[еє]л[еє]г[аиуіо]|тг|telegram|tg|inst|інст|инст|fb|фб|інстаграм\w?|инстаграм\w?|інста|instagram|insta|viber|вайбер|skype|"
    r"скайп|фейсбук|facebook|тікток|tiktok|нік(?:нейм)?|ник|nick(?:name)?|логін)"
)

NUMBERS: tuple[tuple[str, Callable[[str], bool]], ...] = (  # kinds of long numbers without a key word
    ("unzr", is_unzr),
    ("card", is_card),
    ("phone", is_phone),
    ("tax_number", is_tax_number),
    ("id_card", is_id_card),
    ("number", lambda found: len(extract_digits(found)) > 10 or found.isdecimal()),
)

# ---- the rules, in the order of their use ---------------------------------------------------------------------

RULES = (
    # E-mail addresses and accounts of messengers
    _make_rule("handle", rf"{HANDLE_WORD}[^\w@\0]{{0,3}}(?P<it>@[a-z\d.-]{{3,32}})"),
    _make_rule("email", rf"{LOCAL}{AT}[\w-]+(?:{DOT}[\w-]+){{0,3}}?{DOT}{DOMAIN_ENDS}(?!\w)(?:\.[\w-]+)*"),
    _make_rule("email", rf"{LOCAL}{AT}(?:[\w-]+\.{{1,2}})+[{LETTERS}]{{2,}}"),
    _make_rule("email", rf"{LOCAL}@{{1,3}}[\w-]+(?:\.{{1,2}}[\w-]+)*"),
    _make_rule("email", rf"{LOCAL}{AT}(?:{PROVIDERS}(?!\w)|[\w-]{{1,30}}"
                   rf"(?={DOT}{DOMAIN_ENDS}| {SPOKEN_DOT} \w{{2,5}}(?!\w)))(?:(?:{DOT}| ){DOMAIN_ENDS}(?!\w)|"
                   rf"{DOT}[\w-]{{1,20}}){{0,3}}"),
    _make_rule("email", rf"(?<![\w.+&'-])(?:(?!(?:to|me|is|on|at|my|e?-?mail|address)(?!\w))[a-z\d.+'-]{{1,40}} )?"
                   rf"{LOCAL} (?:at|ат|ет|эт) (?:{PROVIDERS}(?!\w)(?:{DOT}{DOMAIN_ENDS}(?!\w)){{1,2}}|"
                   rf"[\w-]{{1,30}} {SPOKEN_DOT} [\w-]{{2,20}})"),
    _make_rule("email", rf"{LOCAL} (?:at|ат|ет|эт) (?:g[ -]?mail|дж[иіей]{{1,2}}м[аеєэ]й?л|гм[аеєэ][йі]л|"
                   rf"(?:ukr|укр) ?\. ?(?:net|н[еэ]т)|i\.ua)(?!\w)(?:{DOT}{DOMAIN_ENDS}(?!\w))?"),
    _make_rule("email", rf"(?<![\w.+&'-])[\w.+']{{1,40}}-(?:at|ат|ет|эт)-(?:{PROVIDERS}(?!\w)|[\w]{{1,30}}"
                   rf"(?={DOT}{DOMAIN_ENDS}(?!\w)))(?:{DOT}{DOMAIN_ENDS}(?!\w))?"),
    _make_rule("handle", r"(?<!\w)(?:t\.me|telegram\.me|wa\.me|instagram\.com|facebook\.com|fb\.com|m\.me|vk\.com)/"
                    r"[\w.+/-]{3,64}"),
    _make_rule("handle", r"(?<![\w@\0])@[a-z\d-][a-z\d.-]{2,32}"),
    _make_rule("handle", rf"{HANDLE_WORD}(?: (?:на)?пиш\w{{1,4}})?(?: (?:у|в|на|in|on|is|мій|мой|це) ?\w{{0,12}})?"
                    r"(?: ?[:=-] ?|:\n)(?P<it>(?:live:)?[a-z][a-z\d.-]{3,32})(?!\w)"),
    _make_rule("handle", rf"{HANDLE_WORD}(?: (?:на)?пиш\w{{1,4}})?(?: (?:у|в|in|on|is|мій|мой|це) ?\w{{0,12}})? ?"
                    r"(?P<it>(?:live:)?(?=[a-z.]{0,31}[\d-])[a-z][a-z\d.-]{3,32})(?!\w)"),
    # Accounts and numbers with a shape of their own
    _make_rule(ORDINARY, r"(?<!\w)[uу][aа](?:0[157]|1[248]|2[136]|3[25]|4[468]|5[1369]|6[1358]|7[134]|"
                   r"8[05])\d{15}(?!\d)"),
    _make_rule("iban", r"[uу] ?[aа](?:~\d){27}(?!\d)"),
    _make_rule("iban", r"(?<!\w)[a-z]{2}\d\d(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?!\w)", passes_iban_check),
    _make_rule("unzr", rf"(?<!\d){YEAR}~(?:0[1-9]|1[0-2])~(?:0[1-9]|[12]\d|3[01])~\d{{5}}(?!\d)"),
    _make_rule("card", rf"(?<!\d)(?!{NEAR}(?:~{NEAR}){{3}})\d{{4}}(?:~\d{{4}}){{3}}(?!\d)"),
    _make_rule("card", r"(?<!\d)(?<!\d[ .-])[4-6](?:[ .:/()*·•\n-]{0,4}\d){15}(?![ .-]?\d)", is_odd_card),
    _make_rule(ORDINARY, r"(?<!\d)0[ -]?800(?:[ -]\d{2,3}){2,3}(?![ -]?\d)"),  # free lines of authorities
    _make_rule(ORDINARY, r"(?<!\w)коатуу[^\w\0]{1,3}\d{10}(?!\d)"),
    _make_rule(ORDINARY, r"(?<!\d)\d{10}:\d\d:\d{3}:\d{4}(?!\d)"),  # a plot of land
    _make_rule(ORDINARY, rf"(?<![\w-])\d{{1,5}} ?- ?{ROMAN}"),  # a law
    _make_rule("phone", r"(?<!\d)(?:\+?\((?=\d+\))|\+ ?)?38~0(?:~\d){9}(?!\d)"),
    _make_rule("phone", r"(?<!\d)(?:\((?=\d+\)))?(?:8 ?-? ?\(?)?0(?: ?\()?[3-9]\d(?:~\d){7}(?!\d)"),
    _make_rule("phone", r"(?<!\d)(?:\+\(?[1-9](?:%\d){9,14}|00 ?[1-9](?:%\d){8,13})(?!\d)"),
    _make_rule("card", rf"(?<![\w-])(?=(?:\d{{1,4}}[^\w\0]{{1,3}}){{0,3}}[^\W\d])(?:{SAID_NUMBER}|\d{{4}})"
                   rf"(?:[^\w\0]{{1,3}}(?:{SAID_NUMBER}|\d{{4}})){{3,20}}+", is_said_card),
    _make_rule("phone", rf"(?<!\w)(?:плюс[^\w\0]{{1,3}})?(?:(?:тридц[яа]ть[^\w\0]{{1,3}}в[іо]с[іе]мь?|"
                   rf"38)[^\w\0]{{1,3}})?"
                   rf"(?:{ZERO}|0)(?:[^\w\0]{{1,3}}{SAID_NUMBER}){{4,12}}", is_said_phone),
    _make_rule("phone", rf"(?<!\w)(?:\+?38[^\w\0]{{0,3}})?(?:{ZERO}|0)[3-9]\d(?:[^\w\0]{{1,3}}{SAID_NUMBER}){{3,12}}",
               is_said_phone),
    _make_rule("phone", rf"(?<![\w-])(?=(?:\d\d[^\w\0]{{1,3}})?[^\W\d])"
                   rf"(?P<it>{SAID_NUMBER}(?:[^\w\0]{{1,3}}{SAID_NUMBER}){{3,9}}+)"
                   rf"[ ,.!-]{{1,4}}{CALL_ME}", is_said_phone),
    _make_rule("phone", r"(?<!\d)(?:3?8)?0[3-9]\d(?:[^\w\0]{1,3}(?:(?:потім|далі|потом|дальше|then)[^\w\0]{1,3})?"
                   r"\d{1,4}){2,6}(?!\d)", is_phone),
    _make_rule("tax_number", rf"{TAX_WORD}[^\d\0.;]{{0,30}}?(?P<it>\d(?:[^\w\0]{{0,4}}\d){{9}})(?!\d)"),
    # Plates
    _make_rule("car_plate", rf"(?<!\w)(?-i:[{PLATE}]{{2}}[ .-]?\d\d[ -]?\d\d[ .-]?[{PLATE}]{{2}})(?!\w)"),
    _make_rule("car_plate", rf"(?<!\w)[{PLATE}]{{2}}-?\d{{4}}-?[{PLATE}]{{2}}(?!\w)"),
    _make_rule("car_plate", rf"{TWO_LETTERS}(?!{SHORT_WORDS})[{PLATE}]{{2}}[ ./·•-]{{0,3}}\d(?:[ .·•-]?\d){{3}}"
                       rf"[ ./·•-]{{0,3}}(?!{SHORT_WORDS}(?!\w))[{PLATE}]{{2}}(?!\w)"),
    _make_rule("car_plate", rf"{CAR_WORD}{GAP}(?P<it>(?<!\w)(?!{NO_PLATE}[\d .-]{{4,9}}{NO_PLATE})[{LETTERS}]{{2}}"
                       rf"[ ./-]{{0,3}}\d(?:[ .-]?\d){{3}}[ ./-]{{0,3}}[{LETTERS}]{{2}}(?!\w))"),
    _make_rule("car_plate", rf"{CAR_WORD}{GAP}(?P<it>(?<!\d)\d{{4,5}} ?(?-i:[{UPPER}]{{2}})(?!\w))"),
    _make_rule("car_plate", rf"(?<![\d-])(?:\d{{3}}-\d\d|\d\d-\d{{3}})[ -]?(?-i:[{UPPER}]{{2}})(?!\w)"),
    # Documents
    _make_rule("licence", rf"{LICENCE_WORD}[^\d\0\n]{{0,30}}?(?P<it>(?<!\w)[{LETTERS}]{{3}}"
                     r"(?:[^\w\0]|номер|no?(?!\w)){0,6}\d(?:[ .-]?\d){5})(?!\d)"),
    _make_rule("id_card", rf"{DOCUMENT_WORD}{GAP}(?P<it>(?!{DATE})\d(?:[ .\n-]{{0,3}}\d){{8}})(?!\d)"),
    _make_rule("passport", rf"(?:{DOCUMENT_WORD}|сер[іи][яїи])[^\d\0\n]{{0,20}}?(?P<it>(?<!\w)[{LETTERS}][ .]?"
                      rf"[{LETTERS}](?![{LETTERS}])(?:[^\w\0]|номер|no?(?!\w)|"
                      rf"[аaіи](?!\w)){{0,8}}\d(?:[ .\n-]{{0,3}}\d){{5}})(?!\d)"),
    _make_rule(ORDINARY, r"(?<!\w)(?:дсту|dstu|гост|gost|дбн|сн[іи]п|дст|en(?= ?(?:iso|iec|301 ?549|\d{2,5}(?! ?\d)))|"
                   r"iso|iec|rfc|wcag|din|нпаоп|дсанпін)(?!\w)"
                    r"[^\d\0\n]{0,14}\d{1,6}(?:[ ./:-]{1,2}\d{1,5})*(?!\d)"),
    _make_rule("passport", rf"{TWO_LETTERS}(?!{A_SHORT_WORD})[{LETTERS}]{{2}}[ ,-]{{0,2}}(?:(?:№|#|номер|no?\.?) ?)?"
                      rf"(?:\d{{6}}|\d{{3}}[ -]\d{{3}}|\d\d[ -]\d\d[ -]\d\d|\d(?:[ -]\d){{5}})"
                      rf"(?![./:-]?\d){NOT_COUNTED}"),
    _make_rule("passport", rf"(?<!\w)(?-i:[{UPPER}]{{2}})(?!\w)(?:[^\w\0]|(?<![{LETTERS}])(?:номер|серія|серии|серия|"
                      rf"series|number|та|і|и|а|a|no?)(?![{LETTERS}])){{0,8}}\d(?:[ .-]?\d){{5}}(?![./:-]?\d)"
                      rf"{NOT_COUNTED}"),
    _make_rule(ORDINARY, rf"(?<!\w)(?:covid|ковід|ковид)-?19(?:[ ,(]{{1,2}}{YEAR}"
                   rf"(?: ?[-/] ?{YEAR})?)?(?![\d-])"),
    _make_rule(ORDINARY, r"(?<!\w)(?:модел|помил|ошиб|аудитор|верс|error|model|version|room)\w{0,5}[^\w\0]{1,3}"
                   r"(?=[\d-]{0,7}[a-z])[a-z\d]{2,6}-[a-z\d]{2,6}(?![\w-])"),
    _make_rule(ORDINARY, rf"(?<![\d-])(?<!\d )[1-9]\d{{0,5}}(?:-[1-9]\d{{0,5}}){{1,2}} ?(?:{CURRENCY}|{COUNTED})",
               is_rising),
    # Short codes and receipts: with one in the text, the comment would lead to its case.
    _make_rule("code", r"(?<!\w)(?=[a-z-]{0,19}\d)(?=[\d-]{0,19}[a-z])"
                  r"(?:[\da-z]{4}(?:-[\da-z]{4}){1,4}|[\da-z]{12}|[\da-z]{20})(?!\w)"),
    _make_rule("code", r"(?<!\w)[\da-z]{26}(?!\w)"),
    # Names, homes, birthdays
    _make_rule("name", rf"{CALLED}(?: ?[:,-])? {OPENING}(?P<it>{FULL_NAME}|(?!{NO_NAME})[а-яєіїґ]{{3,20}}"
                  rf"(?: [^\W\d_]{{2,20}}{NAME_END}(?!\w)| (?-i:[{UPPER}])[^\W\d_]{{2,25}}){{1,2}}|"
                  rf"(?!{NO_NAME})[а-яєіїґ]{{3,20}}"
                  r"(?= ?[,.!;:\n)]| ?$| (?:я|і|та|и|а|мені|мне|з|із)(?!\w)))"),
    _make_rule("name", rf"{NICKNAMED}(?: ?[:,-])? {OPENING}(?P<it>{FULL_NAME})"),
    _make_rule("name", rf"{NAME_WORD}(?: ?[:,-]{{1,2}})? ?(?:у мене |в мене |моє )?{OPENING}(?P<it>{FULL_NAME})"),
    _make_rule("name", rf"{NAME_WORD} ?[:-]{{1,2}} ?{OPENING}(?P<it>(?!{NO_SURNAME})(?:[а-яєіїґё'’ʼ-]{{2,22}}"
                  rf"(?:енко|[чщ]ук|[сц]ьк(?:ий|а)) (?!{NO_SURNAME}))?[а-яєіїґё'’ʼ-]{{3,25}})"
                  r"(?= ?[,.!;\n)\x22»”]| ?$)"),
    _make_rule("name", rf"(?<!\w)(?:я|i am|i['’]m|this is)(?:,| ?-)? "
                  rf"(?P<it>{NO_SALUTE}{NAME} {NO_SALUTE}{NAME}(?: {NAME})?)"),
    _make_rule("name", rf"(?<!\w)(?:я|i am|i['’]m)(?:,| ?-)? (?P<it>{FIRST_INITIALS}{NAME})"),
    _make_rule("name", rf"(?<!\w)(?:з повагою|с уважением|regards|підпис)[:, -]{{1,3}}(?P<it>{FULL_NAME})"),
    _make_rule("address", rf"{ADDRESS}{FLAT}"),
    _make_rule("address", rf"{LIVES}(?: за адресою| по адресу)?[^\d\0\n]{{0,25}}?(?P<it>{ADDRESS})"),
    _make_rule("address", rf"{LIVES}(?: за адресою| по адресу| [ву](?= {SETTLEMENT_WORD}))?[ :,-]{{1,4}}"
                     rf"(?P<it>{HOME})"),
    _make_rule("address", rf"{LIVES}[^\d\0\n]{{0,25}}?(?P<it>(?<!\w)кв(?:\.|артир\w{{1,2}}) ?\d{{1,4}})"),
    _make_rule("address", rf"{ADDRESS}(?=[ ,.-]{{1,4}}(?:(?:це|ось) )?(?:мо[яє]\w? адрес|мій дім|мой дом|там живу))"),
    _make_rule("address", r"(?<!\w)(?:буд|д)(?:\.|инок) ?\d{1,4}[а-г]?" + FLAT),
    _make_rule("address", r"(?:i live (?:at|on|in)|"
                   r"my (?:home )?address(?: is)?:?) (?P<it>\d{1,4}[a-d]?,? (?:\w{2,20} ){1,3}"
                     r"(?:street|str?|avenue|ave|road|rd|lane|square)(?!\w)\.?(?:,? (?:apt|apartment|"
                     r"flat)\.? ?\d{1,4})?)"),
    _make_rule("birthday", r"(?<!\w)(?:(?:на)?роди(?:в|ла|л)(?:ся|сь)|(?:на)?родж[ие]н(?:ий|а)|рожд[её]н(?:а|"
                   r"ный)?(?!\w)|"
                      r"дат[аиу] (?:мого |моего )?(?:на|рож)\w{1,8}\.?|день (?:мого |моего )?(?:на|рож)\w{4,8}|"
                      r"д ?[./] ?[нр]\.?(?!\w)|др(?=[ :-]{1,3}\d)|born|birthday|birth ?date|date of birth|dob)"
                      rf"[^\d\0\n.;]{{0,20}}?(?P<it>{DATE}|{SAID_DATE}|{YEAR}(?!\d)(?: ?року| ?года| ?р\.| ?г\.)?)"),
    _make_rule("birthday", rf"(?<!\d)(?=\d)(?:{DATE}|{YEAR})(?: ?року| ?р\.| ?г\.| ?года)?[ ,(]{{0,2}}"
                      r"(?:р\. ?н|г\. ?р|р/н|рн(?!\w)|народж\w{1,5}|рожд\w{1,5})\.?"),
    _make_rule("phone", rf"{PHONE_WORD}{NOT_PAST}[^\W\d]{{0,12}}+\d?{GAP}{A_TIME}(?P<it>\d{{1,3}}([ -])\d\d\2\d\d)"
                   rf"(?![./:-]?\d){NOT_COUNTED}"),
    _make_rule("phone", rf"(?<!\w)(?:т\.|ном\.|(?<![{LETTERS}] )номер ?:|(?:перед|под)зв\.) ?(?P<it>{LOCAL_PHONE})"
                   rf"(?![./:-]?\d){NOT_COUNTED}"),
    _make_rule("phone", rf"(?<![\w./:-])(?<!\d )(?!{DAY}[ -]{MONTH}[ -]2\d(?!\d))(?P<it>{LOCAL_PHONE})[ ,.!-]{{1,4}}"
                   rf"(?:{CALL_ME}|домашній|домашний)"),
    # What stays: dates, times, prices, norms, lists
    *(_make_rule(ORDINARY, rf"(?<!\d)(?<!\d[{s}]){DAY}[{s}]{MONTH}[{s}](?:{YEAR}|\d\d)(?!\d|[{s}]\d)") for s in "./-"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d-){YEAR}-{MONTH}-{DAY}(?!-?\d)"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d:){HOUR}:{MINUTE}(?::{MINUTE})?(?!:?\d)"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d )[1-9]\d{{0,2}}(?:[ .]\d{{3}}){{1,3}}(?:[.,]\d\d?)? ?{CURRENCY}"),
    _make_rule(ORDINARY, r"(?<![\d,])(?<!\d )[1-9]\d{0,2}(?: ?\d{3}){0,2},\d\d(?![\d,])"),
    _make_rule(ORDINARY, r"(?<!\d)(?<!\d )[1-9]\d{0,2}(?: 000){2,3}(?! ?\d)"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d[ .,;/-])(?<!\d[,;] )(?<!\d - ){NEAR}(?:(?:[,;] |[ ,;/-]| - ){NEAR})++"
                    r"(?!(?:[,;] |[ .,;/-]| - )?\d)"),
    _make_rule(ORDINARY, r"№ ?\d{1,4}/\d{1,5}(?![\d/-])"),
    _make_rule(ORDINARY, r"(?<!\d)\d{5} ?\(\d\d-\d\d\)"),  # a service by its code
    _make_rule(ORDINARY, r"(?<!\w)(?:верс|version|ver|build|збірк|сборк|оновл|обновл|chrome|firefox|safari|opera|edge|"
                    r"android|ios|ipados|macos|windows|linux|miui|дія|diia|застос|додат|браузер|прилож|app|acrobat|"
                    r"java)"
                    r"\w{0,8}[^\d\0\n]{0,12}\d{1,5}(?:[._]\d{1,6}){1,4}(?![\d.])"),
    _make_rule(ORDINARY, r"(?<!\w)(?:оцін|оцен|бал[иі]|(?:по)?став(?:лю|ила|ив)|зір|вікн|вікон|окн|кабін|каб\.|пункт|"
                    r"grade|score|window|rated|помил|ошиб|error|маршрут|автобус|талон|черг|очеред)[^\d\0\n]{0,15}"
                    r"\d{1,3}(?:[ ,;/+-]{1,3}\d{1,3}){2,}(?!\d)"),
    _make_rule(ORDINARY, r"(?<!\d)(?<!\d[ .-])(?:[1-9]|1[0-2])(?:[ ,;/+-]{1,3}(?:[1-9]|1[0-2])(?!\d)){4,}"
                    r"(?![ .-]{0,3}\d)", is_list_of_grades),
    # Numbers after a key word
    _make_rule("passport", rf"{DOCUMENT_WORD}{GAP}(?P<it>\d(?:[ .-]{{0,3}}\d){{5,7}})(?![./:-]?\d){NOT_COUNTED}"),
    # Long numbers
    _make_rule("phone", r"(?<![\d-])\d{3}-\d{2}-\d{2}(?![\d-])"),
    *(_make_rule(kind, r"(?<!\d)\d{9,}", fits) for kind, fits in NUMBERS),
    *(_make_rule(kind, r"\d(?:%\d){8,}", fits) for kind, fits in NUMBERS),
    _make_rule("phone", rf"{PHONE_WORD}[^\W\d]{{0,12}}+{GAP}{A_TIME}(?P<it>\d(?:[ .-]{{0,3}}\d){{4,8}}(?![./:-]?\d)|"
                   rf"{SAID_NUMBER}(?:[^\w\0]{{1,3}}{SAID_NUMBER}){{2,12}}){NOT_COUNTED}",
               is_short_phone),
)  # fmt: skip
# A text without a match of this pattern matches no rule.
SUSPICIOUS = re.compile(
    rf"[\d@(\[{{<*\x22«]|(?<!\w)(?:{SPOKEN_AT}|[a-z]{{26}}|(?:at|ат|ет|эт)[ -]|\w{{1,12}}\.(?:me|com)/|{HANDLE_WORD}|"
    rf"{CALLED}|{NICKNAMED}|(?:на)?роди(?:в|ла|л)с[яь]|"
    rf"{NAME_WORD}|{UNITS}|{TEENS}|{TENS}|{HUNDREDS}|з повагою|с уважением|regards|підпис|"
    rf"(?:я|i am|i['’]m|this is)(?:,| ?-)? (?-i:[{UPPER}]))",
    re.IGNORECASE,
)
