"""Business Central online: the calls that the steps need, typed in and out."""
