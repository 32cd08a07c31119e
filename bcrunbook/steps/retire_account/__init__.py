"""An account is retired.

step      what is planned and done, in which order
findings  what a look shows
deleted   applications that were deleted, and until when they can be restored
changes   what is removed, and what people are asked for first
"""
