"""The words that searches use have no Latin letters in Cyrillic words, and no ё."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PORTION = 1000
MARKERS = re.compile(
    r"\[(?:телефон|e-mail|податковий номер|номер документа|номер картки|рахунок|номер авто|код|номер|ім’я|адреса|"
    r"обліковий запис|дата народження)\]"
)
LATIN, CYRILLIC = "aceiopxykmtABCEHIKMOPTXYïÏ", "асеіорхукмтАВСЕНІКМОРТХУїЇ"
HAS_LATIN, HAS_CYRILLIC = re.compile(r"[a-zïA-ZÏ]"), re.compile(r"[Ѐ-ӿ]")
ONLY_LATIN, ONLY_CYRILLIC = re.compile(rf"(?![{LATIN}])[a-zA-Z]"), re.compile(rf"(?![{CYRILLIC}])[Ѐ-ӿ]")


def upgrade() -> None:
    _fold_comments(unmixed=True)


def downgrade() -> None:
    _fold_comments(unmixed=False)


def _fold_comments(*, unmixed: bool) -> None:
    link = op.get_bind()
    key = "centre_id, answered_on, response_id"
    first = f"SELECT {key}, text, folded FROM comments"
    order = f" ORDER BY {key} LIMIT {PORTION}"
    after = f" WHERE ({key}) > (:{key.replace(', ', ', :')})"
    update = sa.text(
        "UPDATE comments SET folded = :folded"
        " WHERE centre_id = :centre_id AND answered_on = :answered_on AND response_id = :response_id"
    )
    rows = link.execute(sa.text(first + order)).mappings().all()
    while rows:
        changed = [
            {**row, "folded": folded} for row in rows if (folded := _folded(row["text"], unmixed)) != row["folded"]
        ]
        if changed:
            link.execute(update, changed)
        rows = link.execute(sa.text(first + after + order), dict(rows[-1])).mappings().all()


def _folded(text: str, unmixed: bool) -> str:
    """What the service's own folding made of a text on the day of this migration, or on the day before."""
    plain = unicodedata.normalize("NFKC", MARKERS.sub(" ", text))
    plain = re.sub("[\u0300\u0301\u00ad\u200b-\u200d\u2060\ufeff]", "", plain if unmixed else plain.casefold())
    plain = re.sub("(?<=\\w)['’ʼ‘`´′＇\"“”]+(?=\\w)", "", plain)
    if unmixed:
        plain = re.sub(r"[^\W\d_]{2,}", _unmix_word, plain).casefold().replace("ё", "е")
    words = re.sub(r"[\W_]+", " ", plain.replace("ґ", "г"))
    return f" {words.strip()} "


def _unmix_word(match: re.Match[str]) -> str:
    word = match[0]
    if not HAS_LATIN.search(word) or not HAS_CYRILLIC.search(word):
        return word
    if ONLY_LATIN.search(word) and not ONLY_CYRILLIC.search(word):
        return word.translate(str.maketrans(CYRILLIC, LATIN))
    return word.translate(str.maketrans(LATIN, CYRILLIC))
