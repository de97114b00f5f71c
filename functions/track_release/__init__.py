"""Follows releases by what is observed of them."""
