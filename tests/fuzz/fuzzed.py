"""The database under test: a clone of the sample with a plain owner, its sessions, and the order of what happens to it."""

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql as pgsql

from sample.build import Variant, build_sample
from sample.server import SUPERUSER, EmbeddedServer
from tests.conftest import SETTINGS
from tests.fuzz.catalogue import Change

TEMPLATE = "fuzz_template"
ROWS = 2_000
#: The role that owns the application's tables: no superuser, and row level security applies to it where it is forced.
OWNER = "shop_owner"
#: A role of the application with rights of its own.
READER = "shop_reader"

#: Everything of the sample belongs to the plain owner, as on a hosted platform.
_OWNED = f"""
DO $$BEGIN
  IF TO_REGROLE('{OWNER}') IS NULL THEN CREATE ROLE {OWNER} LOGIN; CREATE ROLE {READER}; END IF;
END$$;
GRANT service_role, anon, authenticated, {READER} TO {OWNER};
DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT c.oid::regclass AS name, c.relkind FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm') LOOP
    EXECUTE FORMAT(
      'ALTER %s %s OWNER TO {OWNER}',
      CASE one.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, one.name
    );
  END LOOP;
END$$;
ALTER PUBLICATION supabase_realtime OWNER TO {OWNER};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
GRANT USAGE ON SCHEMA auth TO {OWNER};
GRANT CREATE ON SCHEMA public TO {OWNER};
"""


#: Gives a clone the settings of the database that it was cloned from; CREATE DATABASE leaves them out.
_SETTINGS_OF = """
INSERT INTO pg_catalog.pg_db_role_setting
SELECT (SELECT oid FROM pg_database WHERE datname = CURRENT_DATABASE()), s.setrole, s.setconfig
FROM pg_catalog.pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase WHERE d.datname = %s
"""


def connect(server: EmbeddedServer, name: str) -> psycopg.Connection[Any]:
    """Return a session of the superuser; the driver reads times in this style only."""
    return psycopg.connect(server.conninfo(name), autocommit=True, options="-c datestyle=ISO -c intervalstyle=postgres")


@dataclass
class Fuzzed:
    """One database: `role` is the one that migrates; `admin` is a superuser's session, which sets things up and judges."""

    server: EmbeddedServer
    name: str
    role: str
    admin: psycopg.Connection[Any]

    @property
    def url(self) -> str:
        """Return what ARTWORK_DATABASE_URL is set to."""
        return self.server.url(self.name, self.role)

    def apply(self, change: Change) -> None:
        """Make the change, as the superuser who administers the shop. Objects that it creates go to the owner where they have none else."""
        before = self._owned_by_admin()
        self.admin.execute("SET search_path = public")
        for statement in [change.text] if change.text.startswith(("VACUUM", "CLUSTER")) else [f"BEGIN;\n{change.text}\n;COMMIT"]:
            try:
                self.admin.execute(statement)
            except psycopg.Error:
                self.admin.execute("ROLLBACK")
                raise
        for kind, name in self._owned_by_admin() - before:
            self.admin.execute(f"ALTER {kind} {name} OWNER TO {OWNER}")

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return all rows of a query of the superuser."""
        return self.admin.execute(query, parameters or None).fetchall()

    def value(self, query: str, *parameters: object) -> Any:
        """Return the one value of a query of the superuser."""
        return self.rows(query, *parameters)[0][0]

    @contextmanager
    def session(self, role: str | None = None, claims: str = "") -> Iterator[psycopg.Connection[Any]]:
        """Open a session of a role with the claims of its token; no role is the superuser."""
        with connect(self.server, self.name) as session:
            session.execute("SELECT SET_CONFIG('request.jwt.claims', %s, FALSE)", (claims,))
            if role:
                session.execute(pgsql.SQL("SET ROLE {}").format(pgsql.Identifier(role)))
            yield session

    def _owned_by_admin(self) -> set[tuple[str, str]]:
        return set(
            self.rows(
                """
                SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, c.oid::regclass::text
                FROM pg_class AS c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p') AND c.relowner = 'postgres'::regrole
                UNION ALL
                SELECT 'FUNCTION', f.oid::regprocedure::text FROM pg_proc AS f
                WHERE f.pronamespace = 'public'::regnamespace AND f.proowner = 'postgres'::regrole
                  AND f.prorettype <> 'event_trigger'::regtype
                UNION ALL
                SELECT 'PUBLICATION', p.pubname::text FROM pg_publication AS p WHERE p.pubowner = 'postgres'::regrole AND NOT p.puballtables
                """
            )
        )


class Bench:
    """A server with a template; it hands out one fuzzed database after another."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        server.drop_database(TEMPLATE)
        server.create_database(TEMPLATE)
        build_sample(server.conninfo(TEMPLATE), Variant.CURRENT, rows=ROWS)
        with psycopg.connect(server.conninfo(TEMPLATE), autocommit=True) as admin:
            admin.execute(_OWNED)
            admin.execute("SET session_replication_role = replica")
            # stays in flight for as long as the fuzzer may run
            admin.execute(
                "UPDATE artworks SET updated_at = updated_at + INTERVAL '1 day'"
                " WHERE generation_status IN ('pending', 'processing') AND updated_at > NOW() - INTERVAL '10 minutes'"
            )

    @contextmanager
    def database(self, role: str, template: str = TEMPLATE) -> Iterator[Fuzzed]:
        """Clone the template, or another database that nobody uses, for the block."""
        name = f"fuzz_{os.getpid()}_{next(self._numbers)}"
        self.server.create_database(name, template=template)
        admin = connect(self.server, name)
        admin.execute(pgsql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(pgsql.Identifier(name), pgsql.Identifier(OWNER)))
        try:
            yield Fuzzed(self.server, name, role, admin)
        finally:
            admin.close()
            with suppress(psycopg.Error):
                self.server.drop_database(name)

    @contextmanager
    def copy(self, fuzzed: Fuzzed) -> Iterator[Fuzzed]:
        """Clone a fuzzed database as it is now; its own session is opened anew."""
        fuzzed.admin.close()
        fuzzed.admin = connect(self.server, SUPERUSER)
        fuzzed.rows("SELECT PG_TERMINATE_BACKEND(a.pid) FROM pg_stat_activity AS a WHERE a.datname = %s", fuzzed.name)
        try:
            with self.database(fuzzed.role, fuzzed.name) as twin:
                fuzzed.admin.close()
                fuzzed.admin = connect(self.server, fuzzed.name)
                twin.admin.execute("SET allow_system_table_mods = on")
                twin.admin.execute(_SETTINGS_OF, (fuzzed.name,))
                yield twin
        finally:
            if fuzzed.admin.info.dbname != fuzzed.name:
                fuzzed.admin.close()
                fuzzed.admin = connect(self.server, fuzzed.name)


@contextmanager
def bench(folder: Path, version: int = 18) -> Iterator[Bench]:
    """Start a server for the fuzzer; its data are in `folder`."""
    with EmbeddedServer(folder, version=version, settings=SETTINGS) as server:
        yield Bench(server)


def names(changes: Iterable[Change]) -> str:
    """Return the names of changes as a run is called."""
    return "+".join(change.name for change in changes)


__all__ = ["OWNER", "READER", "SUPERUSER", "Bench", "Fuzzed", "bench", "names"]
