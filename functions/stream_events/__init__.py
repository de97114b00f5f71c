"""stream-events: what happens to pushes and apps, as Server-Sent Events."""
