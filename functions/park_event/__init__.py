"""Keeps events that the broker could not deliver."""
