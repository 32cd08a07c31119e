"""A year in a rehearsal: two accounts, their customers, and what befalls them.

cast   who takes part, and in which week something happens to them (plain data)
story  what happened, month by month, and when data did not flow (pure)
play   the year itself: the program's own steps and commands, and people who are scripted
page   the story as a page
"""
