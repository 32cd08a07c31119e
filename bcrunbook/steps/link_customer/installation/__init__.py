"""Following App Link's installation: what one poll saw, what the polls say together, the wait.

environment  which environment is looked at
poll         what one look saw, as plain data
look         one look: Codat always, Business Central where it may be read
log          the polls of one watch, kept in the ledger
verdict      what they say together (pure)
film         what is shown of them (pure)
watch        look, keep, judge, tell, wait
memory       what is known of the extension from earlier runs
"""
