"""HTML by Jinja2, for the dashboard and the events that it shows live."""
