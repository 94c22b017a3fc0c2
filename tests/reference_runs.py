"""Equal databases: whatever happens to a run on one of them, it must end like the undisturbed reference run on another."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tests.databases import SETTINGS, Shop, copy, deploy, migrate

#: At least 20 chunks, and e-mails for two batches of users.
ROWS = 6_500
#: Small chunks and batches, so that a run of so few rows has many of both.
SMALL = SETTINGS.model_copy(update={"chunk_blocks": 16, "batch_size": 125})

#: What the application did while nobody caught up, here with every eleventh of the artworks from `place` on.
WRITES = """
CREATE TEMP TABLE chosen AS
SELECT a.id, ROW_NUMBER() OVER (ORDER BY a.id) AS number, o.artwork_id IS NULL AS free
FROM (SELECT b.*, ROW_NUMBER() OVER (ORDER BY b.id) AS place FROM public.artworks AS b WHERE b.generation_status = 'completed') AS a
LEFT JOIN (SELECT DISTINCT artwork_id FROM public.orders) AS o ON o.artwork_id = a.id
WHERE a.place % 11 = {place};
UPDATE public.artworks AS a SET pet_name = 'Rexa' FROM chosen AS c WHERE a.id = c.id;
UPDATE public.artworks AS a SET generation_status = 'failed' FROM chosen AS c WHERE a.id = c.id AND c.number % 20 = 1;
UPDATE public.artworks AS a SET customer_email = 'new.{place}.' || c.number || '@example.com' FROM chosen AS c
WHERE a.id = c.id AND c.number % 20 = 2;
UPDATE public.artworks AS a SET id = MD5(a.id::text)::uuid FROM chosen AS c WHERE a.id = c.id AND c.free AND c.number % 20 = 3;
DELETE FROM public.artworks AS a USING chosen AS c WHERE a.id = c.id AND c.free AND c.number % 20 = 4;
UPDATE public.artworks AS a SET created_at = NULL FROM chosen AS c WHERE a.id = c.id AND c.number % 20 = 5;
CREATE TEMP TABLE token AS
SELECT a.id, COALESCE(LEAD(a.access_token) OVER w, FIRST_VALUE(a.access_token) OVER w) AS next
FROM public.artworks AS a JOIN chosen AS c USING (id) WHERE c.number % 20 = 6 WINDOW w AS (ORDER BY a.id);
UPDATE public.artworks AS a SET access_token = 'on its way ' || a.id FROM token AS t WHERE a.id = t.id;
UPDATE public.artworks AS a SET access_token = t.next FROM token AS t WHERE a.id = t.id;
DELETE FROM public.users AS u USING public.artworks AS a JOIN chosen AS c USING (id) WHERE u.id = a.user_id AND c.number % 20 = 7;
INSERT INTO public.artworks_v2 (customer_email, access_token, pet_mom_image_url, pet_image_url, customer_name)
SELECT 'clean.' || c.number || '@example.com', 'clean ' || c.id, 'mom', 'pet', 'Ada' FROM chosen AS c WHERE c.number % 20 = 8;
UPDATE public.artworks_v2 AS v SET fal_request_id = 'fal', pet_name = 'Rexa II' FROM chosen AS c WHERE v.id = c.id AND c.number % 20 = 9;
DROP TABLE chosen, token;
"""

#: Everything that a run leaves behind but times and the ids that are drawn anew by each; users go by their e-mail.
END_STATE = {
    "clean rows": """
        SELECT c.id, TO_JSONB(c) - 'user_id', u.email FROM public.artworks_v2 AS c LEFT JOIN public.users AS u ON u.id = c.user_id
    """,
    "users": """
        SELECT u.email, u.is_anonymous, c.id IS NOT NULL FROM public.users AS u LEFT JOIN artwork_migration.created_user AS c ON c.id = u.id
    """,
    "created users": "SELECT COUNT(*) FROM artwork_migration.created_user",
    "waiting e-mails": "SELECT w.email FROM artwork_migration.waiting_email AS w",
    "quarantine": "SELECT q.id, q.reason FROM artwork_migration.quarantine AS q",
    "touched": "SELECT t.id FROM artwork_migration.clean_modified AS t",
    "refused": "SELECT r.id FROM artwork_migration.rejected_write AS r",
    "chunks": "SELECT c.number, c.first_block, c.copied FROM artwork_migration.chunk AS c WHERE c.done_at IS NOT NULL",
    "chunks left": "SELECT COUNT(*) FROM artwork_migration.chunk AS c WHERE c.done_at IS NULL",
    "log": "SELECT l.ids FROM artwork_migration.legacy_change AS l",
    "other keys": "SELECT k.old_id, k.new_id FROM artwork_migration.key_change AS k",
    "indexes": """
        SELECT PG_GET_INDEXDEF(i.indexrelid), i.indisvalid, i.indisready FROM pg_index AS i
        WHERE i.indrelid = 'public.artworks_v2'::regclass
    """,
    "constraints": """
        SELECT PG_GET_CONSTRAINTDEF(c.oid), c.convalidated FROM pg_constraint AS c WHERE c.conrelid = 'public.artworks_v2'::regclass
    """,
    "verdicts": "SELECT v.verdict, COUNT(*) FROM artwork_migration.verdict AS v GROUP BY v.verdict",
    "phase": "SELECT h.phase_after FROM artwork_migration.phase_history AS h ORDER BY h.run DESC LIMIT 1",
}


def end_state(shop: Shop) -> dict[str, tuple[int, str]]:
    """For each thing that a run leaves behind, how many there are and a checksum over all of them, made by the database."""
    return {
        name: shop.rows(f"SELECT COUNT(*), MD5(COALESCE(STRING_AGG(x::text, E'\\n' ORDER BY x::text), '')) FROM ({query}) AS x")[0]
        for name, query in END_STATE.items()
    }


class Reference:
    """Clones of one template: deployed and, with `copied`, past its backfill; either way with writes waiting in the log."""

    _numbers = itertools.count(1)

    def __init__(self, server: EmbeddedServer, *, rows: int = ROWS, copied: bool = False) -> None:
        self._template = Shop(server, f"reference_{next(self._numbers)}")
        self._template.settings = SMALL
        server.create_database(self._template.name)
        build_sample(server.conninfo(self._template.name), Variant.CURRENT, rows=rows)
        deploy(self._template)
        self._template.sql.execute(WRITES.format(place=1))
        if copied:
            copy(self._template)
            self._template.sql.execute(WRITES.format(place=2))
        self._template.close()

    @contextmanager
    def clone(self) -> Iterator[Shop]:
        """One more of them, for a while."""
        shop = Shop(self._template.server, f"reference_clone_{next(self._numbers)}")
        shop.settings = SMALL
        shop.server.create_database(shop.name, template=self._template.name)
        try:
            yield shop
        finally:
            shop.close()
            shop.server.drop_database(shop.name)

    @cached_property
    def undisturbed(self) -> dict[str, tuple[int, str]]:
        """How a run ends that nothing happens to."""
        with self.clone() as shop:
            migrate(shop)
            return end_state(shop)

    def drop(self) -> None:
        """Drop the template."""
        self._template.server.drop_database(self._template.name)
