"""Answers that several clients give by one invitation: whoever answered a question first keeps it (decision 29)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from feedback_service.surveys.answers import Answers


@dataclass(frozen=True, slots=True)
class JointAnswers:
    """The answers so far, and which client gave each of them.

    A client is named by a text; ``None`` is the first client. ``owners`` names the clients of the answers that are
    not of the first client: mostly there are none.
    """

    answers: Answers = field(default_factory=Answers)
    owners: Mapping[str, str] = field(default_factory=dict)

    def add(self, client: str | None, submitted: Answers, blank_ids: Collection[str]) -> "JointAnswers":
        """Return these answers as the client may change them.

        The client's own answers are replaced, or taken back if their question is in ``blank_ids``. Questions that
        nobody has answered are answered by this client from now on. Answers of other clients stay.
        """
        kept = self.answers.without({id for id in blank_ids if self.owners.get(id) == client})
        owners = {id: owner for id, owner in self.owners.items() if id in kept.question_ids}
        free = submitted.without({id for id in kept.question_ids if owners.get(id) != client})
        if client is not None:
            owners |= dict.fromkeys(sorted(free.question_ids), client)
        return JointAnswers(kept.merge_with(free), owners)

    def find_taken(self, client: str | None, submitted: Answers) -> frozenset[str]:
        """Return the questions that other clients answered before.

        An equal answer makes no difference: whoever holds the link could otherwise try all values, and learn from the
        reply what was tapped.
        """
        return frozenset(
            id for id in self.answers.question_ids & submitted.question_ids if self.owners.get(id) != client
        )
