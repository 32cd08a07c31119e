"""Holds a journal of shapes against the facts of the contracts and the rehearsal's answers."""
