"""Tests on real servers. unit: no server; database: Postgres; lifecycle: Prefect too; faults: what must not happen; project: the repository itself."""
