"""What cells show."""
