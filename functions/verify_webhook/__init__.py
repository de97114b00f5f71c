"""verify-webhook: lets in what a forge signed, keeps it, and publishes what it means."""
