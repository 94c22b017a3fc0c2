"""A shop as its owner reaches it: hosted databases give no superuser."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Shop

#: Gives whatever the sample has made to the role, and what it needs to make more.
HANDED_OVER = """
DO $$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT
      FORMAT('%s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, c.oid::regclass) AS object
    FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm')
    UNION ALL
    SELECT FORMAT('FUNCTION %s', p.oid::regprocedure) FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT FORMAT('PUBLICATION %I', b.pubname) FROM pg_publication AS b
  LOOP
    EXECUTE FORMAT('ALTER %s OWNER TO shopkeeper', one.object);
  END LOOP;
END
$$;
GRANT USAGE ON SCHEMA auth TO shopkeeper;
GRANT USAGE, CREATE ON SCHEMA public TO shopkeeper;
"""


class OwnedShop(Shop):
    """A shop as its owner reaches it; `sql` stays the administrator's."""

    @property
    def url(self) -> str:
        """What ARTWORK_DATABASE_URL would be."""
        return self.server.url(self.name, "shopkeeper")


@contextmanager
def handed_over(made: Shop) -> Iterator[OwnedShop]:
    """The shop with everything in it owned by a role that is no superuser and bypasses nothing."""
    if not made.value("SELECT 1 FROM pg_roles WHERE rolname = 'shopkeeper'"):
        made.sql.execute("CREATE ROLE shopkeeper LOGIN")
    made.sql.execute(f"GRANT CREATE ON DATABASE {made.name} TO shopkeeper")  # type: ignore[call-overload]  # made of this test's own names
    made.sql.execute(HANDED_OVER)
    shop = OwnedShop(made.server, made.name)
    yield shop
    shop.close()
