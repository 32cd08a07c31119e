"""What is told of writes goes to whoever applies the change, and to nobody else."""

from __future__ import annotations

import asyncio

from bcrunbook.core.written import collecting, note_answer, note_sender, so_far


def test_nothing_is_told_outside() -> None:
    """Whoever only looks collects nothing, and what was collected before is not told again."""
    note_sender("ada@contoso.example")
    note_answer("id")
    assert so_far() == {}
    with collecting() as first:
        note_sender("ada@contoso.example")
    with collecting():
        assert so_far() == {}
    assert first.as_dict() == {"identity": "ada@contoso.example"}


def test_identities_once_and_answers_in_order() -> None:
    """Two writes of one change as the same person: their name once, both ids."""
    with collecting():
        for one in ("first", "second"):
            note_sender("ada@contoso.example")
            note_answer(one)
        note_sender("")
        note_answer("")
        assert so_far() == {"identity": "ada@contoso.example", "request_ids": ["first", "second"]}


async def test_changes_at_the_same_time_stay_apart() -> None:
    """Of two tasks each finds its own, and what a task begins counts for it."""

    async def write(name: str) -> None:
        note_sender(name)
        await asyncio.sleep(0)
        note_answer(name)

    async def change(name: str) -> dict[str, object]:
        with collecting() as written:
            await asyncio.gather(write(name), write(f"{name}-too"))
        return written.as_dict()

    north, south = await asyncio.gather(change("north"), change("south"))
    assert north["request_ids"] == ["north", "north-too"]
    assert south == {"identity": "south, south-too", "request_ids": ["south", "south-too"]}
