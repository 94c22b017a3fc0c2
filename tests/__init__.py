"""Tests on real servers: unit (none), database (Postgres), lifecycle (Prefect too), faults (must not happen), project (the repository)."""
