"""The client secret, made, stored, proven, handed over, and never shown.

step      what is planned and done
findings  what a look shows
stored    the secret as the store has it, and how it is found again
adopt     one that a person made by hand, to be kept here
handover  which one went into a person's hands
life      from when to when it lives, and how urgent the next one is
calendar  the same as a file for calendars
"""
