"""The names of certificates and of the Secrets that hold them."""

WILDCARD = "tls-wildcard"


def secret_of(host: str) -> str:
    """Return the name of a host's own Certificate, Secret and listeners."""
    return f"tls-{host}"
