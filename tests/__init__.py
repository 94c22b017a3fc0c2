"""Tests on real servers: unit (none), database (Postgres), lifecycle (Prefect too), faults (what must not happen), project (the repository)."""
