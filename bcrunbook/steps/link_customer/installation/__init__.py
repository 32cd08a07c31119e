"""Following App Link's installation: what one poll saw, what the polls say together, the wait.

poll      what one look saw, as plain data
tenant    a tenant's environments, seen together by all who watch in it
roster    Codat's connections, likewise
place     which environment is looked at
look      one look: Codat always, Business Central where it may be read
log       the polls of one watch, kept in the ledger
verdict   what they say together (pure)
watch     look, keep, judge, wait
memory    what is known of the extension from earlier runs
"""
