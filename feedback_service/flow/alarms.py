"""Alarms: raised where bad answers or breaches come in, told in letters, acknowledged by people.

The worker looks at a centre only when an answer gave cause (``alarms.book.worry``), within seconds; what it needs
to count it reads outside the transaction that writes, so that nobody waits for it. Letters are sent outside any
transaction and told apart by their own id; see ``alarms.post`` for what that promises.
"""

import uuid
from collections.abc import Callable, Collection, Iterator
from itertools import groupby
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from feedback_service import clock, mail
from feedback_service.access import journal, roles, sight
from feedback_service.access.sessions import Visitor
from feedback_service.alarms import book, post
from feedback_service.alarms.book import BAD_ANSWERS, BREACH, WHOLE, AlarmCard, Evidence
from feedback_service.alarms.post import Held
from feedback_service.config import settings
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ChangedMeanwhile, Invalid, NotFound
from feedback_service.indicators import cusum, watching
from feedback_service.logs import log
from feedback_service.models import Centre
from feedback_service.models.alarms import LONGEST_NOTE
from feedback_service.text import clean
from feedback_service.words import ROLES

Stop = Callable[[], bool]
Seen = dict[str, Evidence | None]  # by subject

PORTION = 200  # concerns looked at together
PAGE = "/admin/alarms"

# Which right opens alarms of a kind; letters go to the roles that have it and belong to one centre.
RIGHT = {BAD_ANSWERS: roles.ALARMS, BREACH: roles.BREACHES}

TOO_LONG = N_("This is longer than %(longest)s characters.")
INVISIBLE = N_("This holds an invisible control character.")


# ---- the worker ------------------------------------------------------------------------------------------------


def raise_alarms(stop: Stop) -> int:
    """Every centre where something gave cause has been looked at; tells how many concerns that were."""
    total = 0
    while not stop():
        waiting = _concerns()
        for centre_id, services, ids in waiting:
            _note(centre_id, _seen(centre_id, {None, *services}), ids)
            total += len(ids)
        if not waiting:
            break
    return total


def review_alarms(stop: Stop) -> int:
    """Alarms that stand are what the answers say today, also where no bad answer came since; tells how many."""
    reviewed = 0
    for centre_id, subjects in _standing():
        if stop():
            break
        _note(centre_id, _seen(centre_id, subjects), [])
        reviewed += len(subjects)
    return reviewed


def tell_alarms(stop: Stop) -> int:
    """Letters whose time has come are written and sent as far as the mail server takes them; tells how many."""
    for centre_id, kind in _gathered():
        _write(centre_id, kind)
    sent = 0
    server, mail_from = settings().smtp_url, settings().mail_from
    while server is not None and mail_from is not None and not stop():
        letter = _hold() if _waits() else None
        if letter is None:
            break
        try:
            mail.send(_outgoing(letter), server, mail_from)
        except mail.NotSent as trouble:
            _put_off(letter)
            log.warning("letter not sent", letter=str(letter.id), reason=str(trouble))
            break  # the others wait too, rather than each for its own time-out
        _sent(letter)
        sent += 1
    if _forgettable() and (dropped := _forget()):
        log.warning("letters given up", number=dropped)
    return sent


@reading
def _concerns(tx: Session) -> list[tuple[uuid.UUID, set[uuid.UUID | None], list[uuid.UUID]]]:
    found = []
    for centre_id, waiting in groupby(book.concerns(tx, PORTION), key=lambda each: each.centre_id):
        each = list(waiting)
        services = {one.service_id for one in each if one.kind == BAD_ANSWERS}
        found.append((centre_id, services, [one.id for one in each]))
    return found


@reading
def _standing(tx: Session) -> list[tuple[uuid.UUID, set[uuid.UUID | None]]]:
    subjects: dict[uuid.UUID, set[uuid.UUID | None]] = {}
    for centre_id, subject in book.standing_subjects(tx):
        subjects.setdefault(centre_id, set()).add(uuid.UUID(subject) if subject else None)
    return list(subjects.items())


@reading
def _seen(tx: Session, centre_id: uuid.UUID, services: Collection[uuid.UUID | None]) -> Seen:
    today, least = clock.kyiv_day(clock.now()), settings().min_group
    return {
        str(service_id) if service_id else WHOLE: _evidence(alarm)
        for service_id, alarm in watching.alarms(tx, centre_id, services, today, least).items()
    }


def _evidence(alarm: cusum.Alarm | None) -> Evidence | None:
    return None if alarm is None else Evidence(alarm.since, alarm.noticed, alarm.n, alarm.bad)


@transaction
def _note(tx: Session, centre_id: uuid.UUID, seen: Seen, concerns: Collection[uuid.UUID]) -> None:
    now = clock.now()
    today = clock.kyiv_day(now)
    breaches = book.take(tx, centre_id, concerns) if concerns else 0
    if breaches:
        book.breach(tx, centre_id, breaches, today)
        post.gather(tx, centre_id, BREACH, now)
    new = [book.watch(tx, centre_id, subject, evidence, today) for subject, evidence in sorted(seen.items())]
    if any(new):
        post.gather(tx, centre_id, BAD_ANSWERS, now)


@reading
def _gathered(tx: Session) -> list[tuple[uuid.UUID, str]]:
    return list(post.gathered(tx, clock.now()))


@transaction
def _write(tx: Session, centre_id: uuid.UUID, kind: str) -> None:
    centre, now = tx.get_one(Centre, centre_id), clock.now()
    wanted = [role for role in ROLES if role in roles.OF_CENTRES and roles.may(role, RIGHT[kind])]
    readers = post.readers(tx, centre.code, wanted) if settings().smtp_url is not None else []
    address = f"{settings().public_url}{PAGE}?{urlencode({'centre': centre.code})}"
    post.write(tx, centre_id, kind, book.listed(tx, [centre_id], [kind]), readers, address, now)


@reading
def _forgettable(tx: Session) -> bool:
    return post.forgettable(tx, clock.now())


@transaction
def _forget(tx: Session) -> int:
    return post.forget(tx, clock.now())


@reading
def _waits(tx: Session) -> bool:
    return post.waits(tx, clock.now())


@transaction
def _hold(tx: Session) -> Held | None:
    return post.hold(tx, clock.now())


@transaction
def _sent(tx: Session, letter: Held) -> None:
    post.sent(tx, letter)


@transaction
def _put_off(tx: Session, letter: Held) -> None:
    post.put_off(tx, letter, clock.now())


def _outgoing(letter: Held) -> mail.Outgoing:
    return mail.Outgoing(str(letter.id), letter.to, letter.subject, letter.body, letter.written_at)


# ---- people ----------------------------------------------------------------------------------------------------


@reading
def open_alarms(tx: Session, by: Visitor, centre: str | None = None) -> list[AlarmCard]:
    """Alarms that stand in the visitor's centres, or in one of them, as far as the visitor may read them.

    Those nobody has acknowledged come first, breaches before all. ``NotFound`` for a foreign centre.
    """
    return book.listed(tx, _centres(tx, by, centre), list(_kinds(by)))


@reading
def all_alarms(tx: Session, by: Visitor, centre: str | None = None) -> list[AlarmCard]:
    """The same, and after them those that were over within the last 91 days."""
    since = clock.kyiv_day(clock.now()) - book.REMEMBERED
    return book.listed(tx, _centres(tx, by, centre), list(_kinds(by)), since=since)


@transaction
def acknowledge(tx: Session, by: Visitor, centre: str, alarm_id: uuid.UUID, note: str) -> None:
    """The visitor deals with the alarm, and says what is done; the journal knows that too.

    Raises ``NotFound``, ``Invalid`` for the note, ``ChangedMeanwhile`` when somebody was first.
    """
    card, now = sight.of(tx, by.role, by.scopes).centre(centre), clock.now()
    alarm = book.held(tx, card.id, alarm_id, list(_kinds(by)))
    if alarm is None:
        raise NotFound()
    said = _checked(note)
    if alarm.acknowledged_at is not None:
        raise ChangedMeanwhile()
    book.acknowledge(alarm, by.email, said, now, clock.kyiv_day(now))
    # By its id: the journal is read by those, too, to whom nothing tells of breaches.
    journal.note(tx, [card.id], by.actor, "alarm_acknowledged", str(alarm.id), now)


@reading
def wants_letters(tx: Session, by: Visitor) -> bool:
    """Whether the visitor gets letters about alarms."""
    return post.wants_letters(tx, by.user_id)


@transaction
def want_letters(tx: Session, by: Visitor, wanted: bool) -> None:
    """The visitor gets letters about alarms from now on, or none."""
    post.want_letters(tx, by.user_id, wanted)


def _kinds(by: Visitor) -> Iterator[str]:
    return (kind for kind, right in RIGHT.items() if by.may(right))


def _centres(tx: Session, by: Visitor, centre: str | None) -> list[uuid.UUID]:
    seen = sight.of(tx, by.role, by.scopes)
    return [card.id for card in ([seen.centre(centre)] if centre else seen.centres)]


def _checked(note: str) -> str:
    try:
        said = clean(note.replace("\r\n", "\n")).strip()
    except ValueError:
        raise Invalid.field("/note", INVISIBLE) from None
    if len(said) > LONGEST_NOTE:
        raise Invalid.field("/note", TOO_LONG, longest=LONGEST_NOTE)
    return said
