"""A journal of shapes: what a run's requests and answers looked like, without a word of theirs."""
