"""A whole rehearsal: workspace, accounts and customers, with a person who is scripted."""
