"""Durable facts about what was observed and done, on SQLite or PostgreSQL."""
