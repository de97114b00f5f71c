"""Chooses the adapters behind the ports by settings; for composition roots only.

An adapter is imported when it is chosen: a function's cold start pays only for what the function uses.
"""
