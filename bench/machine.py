"""The machine and the server of a measurement, described without a host name."""

import os

import psycopg

#: The settings that a write's speed depends on.
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers", "max_wal_size", "autovacuum")


def describe(conninfo: str) -> str:
    """Return one line: cores, load, release, settings."""
    with psycopg.connect(conninfo) as connection:
        release = connection.execute("SHOW server_version").fetchone()
        shown = [(name, connection.execute(f"SHOW {name}").fetchone()) for name in SETTINGS]
    settings = ", ".join(f"{name} {row[0]}" for name, row in shown if row)
    return f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}), Postgres {release[0] if release else '?'}; {settings}"
