"""Forges: one file for each, and what their payloads share."""
