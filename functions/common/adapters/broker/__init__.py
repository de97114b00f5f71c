"""The broker behind K_SINK."""
