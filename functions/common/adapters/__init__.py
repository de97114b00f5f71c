"""One file for each technology behind the ports; vendors' errors are translated here."""
