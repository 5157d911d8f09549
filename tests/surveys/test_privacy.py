"""The privacy guard: which data never reaches the database, and which text stays."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedback_service.surveys.privacy import MARKERS, mask_personal_data

unhurried = settings(deadline=None)  # other tests share the processor

# Every number and address here is made up.
PHONES = [
    "+380501234567",
    "+38 050 123 45 67",
    "+38 (050) 123-45-67",
    "+38(050)1234567",
    "+380-50-123-45-67",
    "+380 50 123 4567",
    "380501234567",
    "38 050 123 45 67",
    "0501234567",
    "050 123 45 67",
    "050-123-45-67",
    "050.123.45.67",
    "(050) 123-45-67",
    "(050)123 45 67",
    "067 1234567",
    "8-050-123-45-67",
    "8 (050) 123 45 67",
    "80501234567",
    "(0412) 12-34-56",
    "0412 12-10-24",
    "044 123-45-67",
    "0 5 0 1 2 3 4 5 6 7",
    "05 01 23 45 67",
    "+48 601 123 456",
    "+49 (30) 1234567",
    "+1 415 555 26 71",
    "0048 601 123 456",
    "123-45-67",
    "050*123*45*67",
    "050/123/45/67",
    "050_123_45_67",
    "050, 123, 45, 67",
    "050    123    45    67",
    "050:123:45:67",
    "05:01:23:45:67",
    "050\n123\n45\n67",
    "050\u00a0123\u00a045\u00a067",
    "050\u202f123\u201345\u221267",
    "050\u200b123\u200b45\u200b67",
    "0\u200d5\u200d0\u200d1\u200d2\u200d3\u200d4\u200d5\u200d6\u200d7",
    "050\u00ad123\ufeff45\u206067",
    "０５０１２３４５６７",
    "٠٥٠١٢٣٤٥٦٧",
    "𝟎𝟓𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕",
    "⓪⑤⓪①②③④⑤⑥⑦",
    "0️⃣5️⃣0️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣",
    "0\u03365\u03360\u03361\u03362\u03363\u03364\u03365\u03366\u03367\u0336",
    "О5О 123 45 67",
    "o501234567",
    "05О1234З67",
    "05o 12l 45 67",
]
EMAILS = [
    "olena@example.com",
    "Olena.Petrenko+tsnap@mail.example.com.ua",
    "olena @ example.com",
    "olena@ gmail. com",
    "olena @ gmail . com",
    "olena(at)example.com",
    "olena [at] gmail (dot) com",
    "olena(собака)ukr.net",
    "olena собака ukr.net",
    "olena собака ukr крапка net",
    "олена@пошта.укр",
    "olena＠example．com",
    "ole\u200bna@exam\u200bple.com",
    "olena@localhost",
    "x_y@i.ua",
]
TAX_NUMBERS = [
    "1234567890",
    "2345678901",
    "12345-67890",
    "12 34 56 78 90",
    "123 456 789 0",
    "1234 567 890",
    "1 2 3 4 5 6 7 8 9 0",
    "12.34.56.78.90",
    "12345/67890",
    "１２３４５６７８９０",
]
UNZR = [
    "19900101-12345",
    "1990010112345",
    "19900101 12345",
    "19900101 - 12345",
    "1990 01 01 12345",
    "20051231–01234",
]
ID_CARDS = ["001234567", "123456789", "123 456 789", "123-456-789", "123.456.789"]
PASSPORTS = [
    "АА123456",
    "АА 123456",
    "аа123456",
    "мт 123456",
    "AB 123456",
    "FA123456",
    "АА № 123456",
    "АА №123456",
    "НА 123456",
    "КС-123456",
    "АА 123 456",
    "АА 12 34 56",
    "СО, № 654321",
    "МЕ номер 654321",
    "А\u200bА\u00a0１２３４５６",
]
CARDS = [
    "4111 1111 1111 1111",
    "4111111111111111",
    "4111-1111-1111-1111",
    "4149 1234 5678 9012",
    "5168 2012 2034 5678",
    "4111.1111.1111.1111",
    "3782 822463 10005",
    "6304000000000000",
    "6759649826438453",
    "4111 1111\n1111 1111",
]
IBANS = [
    "UA213223130000026007233566001",
    "UA21 3223 1300 0002 6007 2335 6600 1",
    "ua 21 322313 0000026007233566001",
    "UА21-3223-1300-0002-6007-2335-6600-1",
    "УА213223130000026007233566001",
    "DE89 3704 0044 0532 0130 00",
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "PL61109010140000071219812874",
]
CAR_PLATES = [
    "АА1234ВВ",
    "AA1234BB",
    "АА 1234 ВВ",
    "AA-1234-BB",
    "аа1234вв",
    "AА1234ВB",
    "АA 12-34 BВ",
    "КА1234ОО",
    "AO1234OO",
    "AA1234ZY",
    "ΑΑ1234ΒΒ",
    "ＡＡ１２３４ＢＢ",
]
CODES = [
    "K7Q2-7K3M-9QXT",
    "k7q2-7k3m-9qxt",
    "K7Q27K3M9QXT",
    "7K3M-9QXT",
    "K7Q2-7K3M-9QXT-0A1B-C2D3",
    "K7Q27K3M9QXT0A1BC2D3",
    "MFRGGZDFMZTWQ2LKNNWG23TPOA",
    "QWERTYUIOPASDFGHJKLZXCVBNM",
]
NUMBERS = ["192.168.100.200", "12-2026/000123", "12345678901", "98765432109876543"]

FOUND = [
    (kind, secret)
    for kind, secrets in {
        "phone": PHONES,
        "email": EMAILS,
        "tax_number": TAX_NUMBERS,
        "unzr": UNZR,
        "id_card": ID_CARDS,
        "passport": PASSPORTS,
        "card": CARDS,
        "iban": IBANS,
        "car_plate": CAR_PLATES,
        "code": CODES,
        "number": NUMBERS,
    }.items()
    for secret in secrets
]

ORDINARY = [
    "20.11.2026",
    "Була 20.11.2026 о 10:15, чекала до 11:30.",
    "20.11.2026 10:15",
    "2026-11-20 10:15:00",
    "2026-11-20T10:15:00+02:00",
    "01.01.2026-31.12.2026",
    "01/02/2026 або 03/02/2026",
    "20-11-2026 та 21-11-2026",
    "09:00-18:00, 09:00-13:00",
    "09.00-18.00, 10.00-15.00",
    "Приходила 12.10, 15.10, 20.11 і 25.11",
    "12.10 15.10 20.11",
    "2023, 2024, 2025",
    "2023 2024 2025 2026",
    "у 2023-2024, 2024-2025 роках",
    "1 234 грн",
    "1 234 567,50 грн",
    "12 345 678 ₴",
    "сплатила 250000 грн",
    "за 100000 грн",
    "до 500000 людей",
    "На 100000 гривень",
    "вікно 3",
    "вікна 10, 11, 12, 13, 14",
    "вікна 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    "пункти 3.1, 3.2, 3.3, 4.1, 5.2",
    "постанова № 864",
    "наказ № 1664/37286",
    "Закон № 5203-VI",
    "вул. Садова, 12",
    "буд. 12/3",
    "індекс 21050",
    "талон А123",
    "талон АА12",
    "справа 12345678",
    "ЄДРПОУ 00032112",
    "Телефон 102 не відповідав, дзвонила на 1551",
    "Телефонувала 20.11.2026",
    "101, 102, 103, 104",
    "оцінка 10 з 10",
    "5+",
    "о 10:15 прийшла",
    "на 2026 не вистачило",
    "не 1000 то 2000",
    "50 м²",
    "100%",
    "a long-term care, even with 2026 more",
    "Дякую! Все чудово 😊",
    "Чекала @ півгодини",
    "моя собака теж чекала",
    "Вікно 3. 20.11.2026. Талон 45.",
    "The clerk at window 5 helped me in 10 minutes on 20 November 2026.",
    "доро́га об’єкт п'ять",
    "",
    " \n ",
]

CARRIED = "[телефон] та [e-mail], [номер документа] і [номер авто]"


def digits_in_a_row(text: str) -> int:
    """Return the longest row of digits of any script, as a reader sees it."""
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Mn", "Me"))
    return max(map(len, re.findall(r"\d+", unicodedata.normalize("NFKC", seen))), default=0)


@pytest.mark.parametrize(("kind", "secret"), FOUND)
def test_what_identifies_a_person_is_masked(kind: str, secret: str) -> None:
    masked = mask_personal_data(secret)
    assert masked.text == MARKERS[kind]
    assert masked.kinds == (kind,)


@pytest.mark.parametrize(("kind", "secret"), FOUND)
def test_the_words_around_it_stay(kind: str, secret: str) -> None:
    assert mask_personal_data(f"Дякую! Моє: {secret}, чекаю.").text == f"Дякую! Моє: {MARKERS[kind]}, чекаю."
    assert mask_personal_data(f"«{secret}»").text == f"«{MARKERS[kind]}»"
    assert mask_personal_data(f"перед\n{secret}\nпісля").text == f"перед\n{MARKERS[kind]}\nпісля"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_things_stay(text: str) -> None:
    assert mask_personal_data(text).text == text
    assert mask_personal_data(text).kinds == ()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("тел. 22-33-44", "тел. [телефон]"),
        ("Телефон: 2 12 45", "Телефон: [телефон]"),
        ("паспорт 123456", "паспорт [номер документа]"),
        (
            "паспорт серії АА № 123456, виданий 20.11.2016",
            "паспорт серії [номер документа], виданий 20.11.2016",
        ),
        ("вікно 12 0501234567", "вікно 12 [телефон]"),
        ("20.11.2026 0501234567 10:15", "20.11.2026 [телефон] 10:15"),
        ("0501234567, 0671234567", "[телефон], [телефон]"),
        ("050 123 45 67 067 123 45 67", "[телефон] [телефон]"),
        ("тел0501234567дякую", "тел[телефон]дякую"),
        ("ІПН 1234567890, паспорт АА123456", "ІПН [податковий номер], паспорт [номер документа]"),
        ("https://example.com/S/MFRGGZDFMZTWQ2LKNNWG23TPOA", "https://example.com/S/[код]"),
        ("mailto:olena@example.com.", "mailto:[e-mail]."),
        ("a@b.cc@d.ee", "[e-mail]@d.ee"),
        ("АА 123456 1234567890", "[номер документа] [податковий номер]"),
        ("I-АБ № 123456", "I-[номер документа]"),
        (CARRIED, CARRIED),
        ("[телефон] 12345", "[телефон] 12345"),
    ],
)
def test_in_a_sentence(text: str, masked: str) -> None:
    assert mask_personal_data(text).text == masked


def test_the_kinds_are_named_once_in_a_fixed_order() -> None:
    assert mask_personal_data("a@b.cc 0501234567 c@d.ee 0671234567").kinds == ("phone", "email")


def test_markers_hold_nothing_that_could_be_masked_again() -> None:
    assert not re.search(r"[\d@]", "".join(MARKERS.values()))


@pytest.mark.parametrize(
    "piece",
    [
        "0501234567 ",
        "1111 ",
        "a@",
        "@1.",
        "a@1.1.1",
        "АА123456 ",
        "a-",
        "1.....",
        "20.11, ",
        "1 234 ",
        "\u200b1",
        "ﷺ",
    ],
)
def test_the_time_grows_with_the_length_and_no_faster(piece: str) -> None:
    # Twenty times the longest comment takes about 0.1 s; a rule that looks back over all of it takes minutes.
    long = (piece * 20_000)[:20_000]
    began = time.process_time()
    mask_personal_data(long)
    assert time.process_time() - began < 5


fragments = st.one_of(
    st.sampled_from([secret for _, secret in FOUND] + ORDINARY + list(MARKERS.values())),
    st.text("0123456789٣５ -.,:/()+№@\n\u200bАаBbоО[]", max_size=20),
    st.text(max_size=10),
)
texts = st.lists(fragments, max_size=12).map("".join) | st.lists(fragments, max_size=12).map(" ".join)


@unhurried
@given(texts)
@example("0501234567 12345")
@example("АА 123456 1234567890")
def test_masking_again_changes_nothing(text: str) -> None:
    once = mask_personal_data(text)
    assert mask_personal_data(once.text) == type(once)(once.text, ())


@unhurried
@given(texts)
def test_no_row_of_nine_digits_survives(text: str) -> None:
    assert digits_in_a_row(mask_personal_data(text).text) < 9


@unhurried
@given(
    st.text("абвгдеєжзиіїйклмнопрстуфхцчшщьюя ,.!?’", min_size=1).filter(lambda words: words[-1] not in "+(8"),
    st.sampled_from(FOUND),
    st.text("абвгдеєжзиіїйклмнопрстуфхцчшщьюя ,.!?’"),
)
def test_whatever_the_sentence_its_words_stay_and_the_secret_goes(
    before: str, found: tuple[str, str], after: str
) -> None:
    _, secret = found
    masked = mask_personal_data(f"{before}: {secret}; {after}")
    assert masked.text.startswith(f"{before}: ")
    assert masked.text.endswith(f"; {after}")
    assert secret not in masked.text


@unhurried
@given(st.text("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя АБВabc ,.!?’\n"))
def test_plain_words_are_never_touched(text: str) -> None:
    assert mask_personal_data(text).text == text
