"""Microsoft Graph: the calls that the steps need, typed in and out."""
