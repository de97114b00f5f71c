"""Adapters of one machine."""
