"""Builds, starts and stops the test cluster; the tests on it are in the folder above."""
