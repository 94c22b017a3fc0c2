"""Benchmarks: each a module run as ``python -m bench.NAME``, each of its figures a ratio of two sides measured in one run."""
