"""What is shown of a step, as HTML and as plain text: in notebooks, cards and reports."""
