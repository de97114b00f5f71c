"""manage-apps: the REST API, under /v1 and /api/v1."""
