"""Finds which app and environment a push is for, and whether anything is to be built."""
