"""Keeps what the broker could not deliver."""
