"""Measures, each as a ratio to something that runs beside it in the same run."""
