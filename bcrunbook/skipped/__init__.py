"""Time that is skipped: in a rehearsal nobody waits for what only a clock brings about.

When everybody who works waits, the rehearsal cloud's clock goes on to the next thing that is due.
While somebody computes it goes no faster than any clock, so that a slow machine changes nothing.

- `timeline`: how far the clock was moved on, and when; a file that everybody may read.
- `dates`: which date it is, where a rehearsal's dates go by that clock, too.
- `wires`: the words that the keeper of the clock and those who wait exchange.
- `waiting`: how a process tells the keeper that all of it waits, and until when.

The keeper is a part of the rehearsal cloud (`bcrunbook.rehearsal.timekeeper`).
"""
