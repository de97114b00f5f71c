"""What the functions share: errors, domain, events, ports, adapters, settings, runtime."""
