"""Certificate issuers."""
