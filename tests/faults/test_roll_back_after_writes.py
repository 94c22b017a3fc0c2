"""The way back after thousands of writes on the serving table: each is there, and what nobody changed is as it was."""

import pytest

from tests.databases import Shop, deploy, migrate, planned_roll_back, reconcile_now, roll_back, switch, uninstall
from tests.series import LONG

#: What the application does while the clean table serves: some 5,000 artworks born, changed and gone, with orders and users.
WRITES = """
CREATE TABLE test.chosen AS
SELECT a.id, ROW_NUMBER() OVER (ORDER BY a.id) AS number, o.artwork_id IS NULL AS free
FROM public.artworks AS a LEFT JOIN (SELECT DISTINCT artwork_id FROM public.orders) AS o ON o.artwork_id = a.id;
INSERT INTO public.artworks (id, customer_name, customer_email, pet_name, pet_mom_image_url, pet_image_url, access_token, generation_status)
SELECT MD5('born ' || n)::uuid, 'Ada', 'born.' || n % 700 || '@example.com', 'Rex ' || n, 'https://u/mom/' || n, 'https://u/pet/' || n,
  'born token ' || n, (ARRAY['pending', 'processing', 'completed', 'failed'])[1 + n % 4]
FROM GENERATE_SERIES(1, 3000) AS n;
INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents, status)
SELECT MD5('born ' || n)::uuid, 'cs_born_' || n, n, 'paid' FROM GENERATE_SERIES(1, 3000, 3) AS n;
INSERT INTO public.users (email) SELECT 'born.' || n || '@example.com' FROM GENERATE_SERIES(1, 350) AS n;
UPDATE public.artworks AS a SET pet_name = 'changed ' || c.number FROM test.chosen AS c WHERE a.id = c.id AND c.number % 4 = 1;
UPDATE public.artworks AS a SET pet_name = 'changed once more' WHERE a.pet_name LIKE 'changed %7';
UPDATE public.artworks AS a SET customer_email = 'moved.' || c.number || '@example.com' FROM test.chosen AS c
WHERE a.id = c.id AND c.number % 20 = 2;
UPDATE public.artworks AS a SET upscale_status = 'processing' FROM test.chosen AS c
WHERE a.id = c.id AND c.number % 20 = 6 AND a.generation_status = 'completed' AND a.upscale_status = 'not_started';
UPDATE public.artworks AS a SET access_token = 'on its way ' || a.id FROM test.chosen AS c WHERE a.id = c.id AND c.number % 20 = 10;
DELETE FROM public.artworks AS a USING test.chosen AS c WHERE a.id = c.id AND c.free AND c.number % 20 = 14;
DELETE FROM public.artworks AS a WHERE a.pet_name LIKE 'Rex %99' AND a.id NOT IN (SELECT artwork_id FROM public.orders);
DELETE FROM public.users AS u USING public.artworks AS a JOIN test.chosen AS c USING (id) WHERE u.id = a.user_id AND c.number % 20 = 18;
"""

#: What must be empty when the legacy table serves again. `kept` is the legacy table before the switch, `began` and `ended` are the serving
#: one right after the switch and right before the way back.
WRONG = {
    "a serving row that is not in the legacy table as it was": """
        SELECT e.id FROM test.ended AS e LEFT JOIN public.artworks AS a ON a.id = e.id
        WHERE (a.customer_name, a.customer_email, a.pet_name, a.generated_image_url, a.generation_status, a.access_token,
          a.token_expires_at, a.created_at, a.updated_at) IS DISTINCT FROM (e.customer_name, e.customer_email, e.pet_name,
          e.generated_image_url, e.generation_status, e.access_token, e.token_expires_at, e.created_at, e.updated_at)
        OR COALESCE(a.original_pet_mom_url, 'migrated-missing') <> e.pet_mom_image_url
        OR COALESCE(a.original_pet_url, 'migrated-missing') <> e.pet_image_url
    """,
    "a row that is gone from the serving table, and not from the legacy one": """
        SELECT a.id FROM public.artworks AS a JOIN test.began AS b USING (id) WHERE a.id NOT IN (SELECT id FROM test.ended)
    """,
    "a row that stayed behind and is not what it was": """
        SELECT k.id FROM test.kept AS k LEFT JOIN public.artworks AS a ON a.id = k.id
        WHERE k.id NOT IN (SELECT id FROM test.began) AND TO_JSONB(a) IS DISTINCT FROM TO_JSONB(k)
        AND NOT (a.user_id IS NULL AND TO_JSONB(a) - 'user_id' = TO_JSONB(k) - 'user_id' AND k.user_id NOT IN (SELECT id FROM public.users))
    """,
    "a row that nobody changed and that is not what it was": """
        SELECT k.id FROM test.kept AS k JOIN test.began AS b USING (id) JOIN test.ended AS e USING (id)
        LEFT JOIN public.artworks AS a USING (id)
        WHERE TO_JSONB(b) = TO_JSONB(e) AND TO_JSONB(a) IS DISTINCT FROM TO_JSONB(k)
    """,
    "a value that the clean side has no place for, or did not change": """
        SELECT k.id FROM test.kept AS k JOIN test.began AS b USING (id) JOIN test.ended AS e USING (id)
        JOIN public.artworks AS a USING (id)
        WHERE (a.original_image_url, a.mockup_urls, a.mockup_generated_at)
          IS DISTINCT FROM (k.original_image_url, k.mockup_urls, k.mockup_generated_at)
        OR (b.upscale_status = e.upscale_status AND a.upscale_status IS DISTINCT FROM k.upscale_status)
        OR (b.updated_at = e.updated_at AND a.updated_at IS DISTINCT FROM k.updated_at)
        OR (b.user_id IS NOT DISTINCT FROM e.user_id AND a.user_id IS DISTINCT FROM k.user_id)
    """,
    "an order that points nowhere": "SELECT o.id FROM public.orders AS o WHERE o.artwork_id NOT IN (SELECT id FROM public.artworks)",
    "an order whose page does not show its artwork": """
        SELECT o.id FROM public.orders AS o WHERE NOT EXISTS
        (SELECT FROM public.get_order_with_artwork(o.stripe_session_id) AS p WHERE p.artwork_id = o.artwork_id)
    """,
}


@pytest.fixture
def written(shop: Shop) -> Shop:
    """Migrated, switched, written to by the thousand; what was before stands in the schema `test`."""
    shop.sql.execute("CREATE SCHEMA test; CREATE TABLE test.dump (line text)")
    with shop.sql.cursor() as cursor, cursor.copy("COPY test.dump FROM STDIN") as copy:
        for line in entries(shop):
            copy.write_row((line,))
    deploy(shop)
    migrate(shop)
    shop.sql.execute("CREATE TABLE test.kept AS SELECT * FROM artworks")
    switch(shop)
    shop.sql.execute("CREATE TABLE test.began AS SELECT * FROM artworks")
    shop.sql.execute(WRITES)
    shop.sql.execute("CREATE TABLE test.ended AS SELECT * FROM artworks")
    return shop


def entries(shop: Shop) -> list[str]:
    """The schema's dump, entry by entry, but for what is ours and for this test's own schema."""
    ours = (
        *(
            "artwork_migration",
            "artworks_v2",
            "create_artwork",
            "update_artwork_lifecycle",
            "get_artwork_by_token",
            "get_customer_artworks",
        ),
        *("request_artwork_upscale", "claim_anonymous_user", "artwork_schema_for", "artwork_lifecycle"),
        *("raise_error", "require_email", "require_upload"),
    )
    lines = [line.rstrip(",") for line in shop.schema_dump() if "is_anonymous boolean" not in line and not line.startswith("SET ")]
    dumped = "\n".join(lines).split("\n-- Name: ")
    # sorted, because pg_dump's order follows dependencies, those of what is ours too
    return sorted(entry.rstrip("-\n ") for entry in dumped if not any(name in entry for name in (*ours, "test;", "Schema: test")))


def test_nothing_is_lost_and_nothing_else_is_changed(written: Shop) -> None:
    """After writes and a rollback every row, value and order is as expected, and the schema as before except for our objects."""
    assert planned_roll_back(written).facts["ids_to_carry_back"] > 3_500
    carried = roll_back(written)
    assert (carried.carried > 3_500, carried.removed > 20, 0) == (True, True, carried.rejected)
    assert {} == {name: found for name, question in WRONG.items() if (found := written.rows(f"{question} LIMIT 3"))}
    assert [line for (line,) in written.rows("SELECT line FROM test.dump")] == entries(written)


@LONG
def test_switched_again_it_needs_no_second_copy(written: Shop) -> None:
    """A second switch copies no chunk and rewrites no untouched clean row; then rollback, switch, rollback and uninstallation work."""
    chunks = "SELECT COUNT(*), SUM(copied), MAX(done_at) FROM artwork_migration.chunk"
    versions = (
        "SELECT COUNT(*), MD5(STRING_AGG(c.id::text || c.xmin, '' ORDER BY c.id)) FROM {} AS c"
        " JOIN test.began AS b USING (id) JOIN test.ended AS e USING (id) WHERE TO_JSONB(b) = TO_JSONB(e)"
    )
    before = (written.rows(chunks), written.rows(versions.format("artworks")))
    roll_back(written)
    assert set(migrate(written)) <= {"match", "excluded", "quarantined"}
    switch(written)
    assert before == (written.rows(chunks), written.rows(versions.format("artworks")))
    assert before[1][0][0] > 500
    roll_back(written)
    assert set(reconcile_now(written)) <= {"match", "excluded", "quarantined"}
    uninstall(written)
    assert [line for (line,) in written.rows("SELECT line FROM test.dump")] == entries(written)
