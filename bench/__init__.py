"""Benchmarks. Each is a module that is run as ``python -m bench.NAME`` and compares two sides that it measures in one run."""
