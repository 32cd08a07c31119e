"""Small programs for whoever works on the project; none of them is a test."""
