"""dashboard: the web pages below /dashboard, over the API with the visitor's own token."""
