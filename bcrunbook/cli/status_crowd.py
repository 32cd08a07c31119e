"""How the customers of an account stand where they are too many for a line each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

LISTED: Final = 20
"""So many customers of an account are listed one by one."""

_NAMED: Final = 3
_GROUPS: Final = 10


def by_state(ended: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Rows of step, how it ended, and of how many customers, most of them first within a step.

    Args:
        ended: a step and how it ended, for each customer and step.
    """
    counts = Counter(ended)
    order = list(dict.fromkeys(step for step, _ in counts))
    ranked = sorted(counts.items(), key=lambda one: (order.index(one[0][0]), -one[1]))
    return [[step, state, f"{number:,}"] for (step, state), number in ranked]


def by_next(account: str, actions: Mapping[str, str]) -> list[str]:
    """Sentences that say what comes next, one for all of whom the same is said.

    Args:
        account: the account's name.
        actions: what is next, by customer.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for customer, action in actions.items():
        groups[action.replace(f"--customer {customer}", "--customer NAME")].append(customer)
    ranked = sorted(groups.items(), key=lambda one: -len(one[1]))
    lines = [f"{account}: {_who(names)}: {action}" for action, names in ranked[:_GROUPS]]
    if left := ranked[_GROUPS:]:
        lines.append(
            f"{account}: {_who([name for _, names in left for name in names])}: something else,"
            " listed by bcrunbook status --json"
        )
    return lines


def _who(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    noun = "customer" if len(names) == 1 else "customers"
    return f"{len(names):,} {noun} ({', '.join(names[:_NAMED])}{more})"
