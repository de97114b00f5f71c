"""Git over HTTP, and the webhook that follows a push."""
