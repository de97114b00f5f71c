"""Isolates builds, release commands, one-off commands and apps of one machine."""
