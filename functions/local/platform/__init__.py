"""The processes of one machine under one process manager: `running(home)` starts them and stops them."""

from functions.local.platform.run import Platform, running

__all__ = ["Platform", "running"]
