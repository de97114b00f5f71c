"""The domain: frozen values without input or output."""
