"""The words that the program prints, and the services before it, each explained.

A word has an advice like the codes of the services: what it means, what to do, who can. The tests
collect what the screens show and fail for a word that nobody has explained.
"""
