"""Which adapters stand behind the ports, by settings; for composition roots only.

Adapters are imported where they are chosen: a function pays at its cold start for what it uses.
"""
