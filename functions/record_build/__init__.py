"""Records how builds end, as builders report it."""
