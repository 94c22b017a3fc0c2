"""Which machine and which server a figure was measured on, in words that name nobody's machine."""

import os

import psycopg

#: What makes a write fast or slow.
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers", "max_wal_size", "autovacuum")


def describe(conninfo: str) -> str:
    """One line: cores, how busy they are with other things, release, settings."""
    with psycopg.connect(conninfo) as connection:
        release = connection.execute("SHOW server_version").fetchone()
        shown = [(name, connection.execute(f"SHOW {name}").fetchone()) for name in SETTINGS]
    told = ", ".join(f"{name} {row[0]}" for name, row in shown if row)
    return f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}), Postgres {release[0] if release else '?'}; {told}"
