"""Issuers of certificates."""
