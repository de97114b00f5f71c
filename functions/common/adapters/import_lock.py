"""One thread at a time imports what is imported late, wherever that stands."""

from threading import RLock

# Packages that are slow to import are imported when they are first needed, by whichever thread comes to it. Python
# locks each module for itself: a thread inside a package that imports a part of it, and a thread that asks for that
# part and then needs the package, wait for each other. Python sees that and fails one of them; the Kubernetes client,
# whose parts import each other in circles, is then broken in that process for good.
IMPORT_LOCK = RLock()
