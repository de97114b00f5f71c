"""Measures cold start, latency, memory, throughput and growth, for this checkout or two in turn."""
