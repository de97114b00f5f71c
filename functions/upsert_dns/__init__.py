"""Keeps the DNS records of hosts in sync with the apps, domains and previews."""
