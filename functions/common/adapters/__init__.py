"""Adapters: one file for each technology behind the ports; errors of vendors are translated here."""
