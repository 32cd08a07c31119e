"""What a journal says: fact by fact, and answer by answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bcrunbook.fidelity.answers import Key, KnownAnswer, answers_of, is_of_service
from bcrunbook.fidelity.businesscentral_facts import BUSINESS_CENTRAL_FACTS
from bcrunbook.fidelity.checks import FactCheck, Judged
from bcrunbook.fidelity.codat_facts import CODAT_FACTS
from bcrunbook.fidelity.differences import AnswerDifference, differences
from bcrunbook.fidelity.graph_facts import GRAPH_FACTS
from bcrunbook.journal.entry import JournalEntry

CHECKS: Final[tuple[FactCheck, ...]] = (*GRAPH_FACTS, *CODAT_FACTS, *BUSINESS_CENTRAL_FACTS)

Standing = Literal["confirmed", "refuted", "not met"]


@dataclass(frozen=True)
class FactResult:
    """What a journal says of a fact.

    Args:
        fact: the fact's id.
        verdict: confirmed, refuted by at least one answer, or not met.
        met: how many answers say something of it.
        holds: what the fact, and the rehearsal cloud, say: of what refuted it, or of all of it.
        journal: what the answers that refute it show.
    """

    fact: str
    verdict: Standing
    met: int
    holds: tuple[str, ...]
    journal: tuple[str, ...]


@dataclass(frozen=True)
class AnswerResult:
    """What a journal says of the answers to one request.

    Args:
        request: the request and the status.
        verdict: confirmed or refuted by the rehearsal's answer; not met where it has none.
        differences: what is different.
    """

    request: str
    verdict: Standing
    differences: tuple[AnswerDifference, ...]


@dataclass(frozen=True)
class FidelityResult:
    """What a journal says as a whole.

    Args:
        facts: in the order of the pages.
        answers: in order of the requests.
    """

    facts: tuple[FactResult, ...]
    answers: tuple[AnswerResult, ...]

    @property
    def refutes(self) -> bool:
        """Whether anything is refuted."""
        verdicts = {fact.verdict for fact in self.facts}
        return "refuted" in verdicts | {answer.verdict for answer in self.answers}


def judge(entries: Sequence[JournalEntry], known: Mapping[Key, KnownAnswer]) -> FidelityResult:
    """Hold a journal against the facts and the rehearsal's answers.

    Args:
        entries: the journal's. What came from a proxy or a gateway says nothing of a service.
        known: the rehearsal's answers.
    """
    own = [entry for entry in entries if is_of_service(entry)]
    return FidelityResult(
        tuple(_fact(fact, own) for fact in dict.fromkeys(check.fact for check in CHECKS)),
        tuple(_answer(one, known) for one in answers_of(own)),
    )


def _fact(fact: str, entries: Sequence[JournalEntry]) -> FactResult:
    checks = [check for check in CHECKS if check.fact == fact]
    judged: list[tuple[FactCheck, JournalEntry, Judged]] = [
        (check, entry, seen)
        for check in checks
        for entry in entries
        if (seen := check.judge(entry)) is not None
    ]
    against = [one for one in judged if not one[2].agrees]
    verdict: Standing = "refuted" if against else "confirmed" if judged else "not met"
    holds = dict.fromkeys(check.holds for check, *_ in against) or dict.fromkeys(
        check.holds for check in checks
    )
    shown = dict.fromkeys(f"{entry.route} -> {seen.shape}" for _, entry, seen in against)
    return FactResult(fact, verdict, len(judged), tuple(holds), tuple(shown))


def _answer(seen: KnownAnswer, known: Mapping[Key, KnownAnswer]) -> AnswerResult:
    found = tuple(differences(seen, known))
    verdict: Standing = "refuted" if found else "confirmed" if seen.key in known else "not met"
    return AnswerResult(seen.shown, verdict, found)
