"""The oracle can fail: for each law a planted breach, which it finds. Nothing is migrated here; the oracle would not know."""

from collections.abc import Iterator

import pytest

from tests.fuzz.application import Application
from tests.fuzz.fuzzed import ROWS, Bench, Fuzzed
from tests.fuzz.oracle import ROWS_VISITED, Oracle, look, rows_read
from tests.series import first, series

#: What breaks a law, and how the oracle says so.
BREACHES = {
    "a lost order": ("DELETE FROM orders WHERE stripe_session_id LIKE 'cs_fuzz%'", "lost write: 3 × an order"),
    "an orphan": (
        "SET session_replication_role = replica; DELETE FROM artworks WHERE id = (SELECT artwork_id FROM orders ORDER BY id LIMIT 1);"
        " RESET session_replication_role",
        "reference: orders has 1 rows without their artwork, 0 before",
    ),
    "readable e-mails": ("GRANT SELECT (email) ON users TO anon", "exposure: anon reads"),
    "readable tokens": ("CREATE VIEW leak AS SELECT access_token FROM artworks; GRANT SELECT ON leak TO anon", "exposure: anon reads"),
    "a function that tells": (
        "CREATE FUNCTION tell(text) RETURNS SETOF artworks LANGUAGE sql SECURITY DEFINER AS"
        " 'SELECT * FROM public.artworks WHERE customer_email = $1'",
        "exposure: anon reads",
    ),
    "writable artworks": ("GRANT DELETE ON artworks TO anon; ALTER TABLE artworks DISABLE ROW LEVEL SECURITY", "anon may DELETE artworks"),
    "a stolen artwork": (
        "UPDATE artworks SET user_id = '{stranger}' WHERE id = (SELECT id FROM artworks WHERE user_id IS NULL ORDER BY id LIMIT 1)",
        "ownership: 1 artworks",
    ),
    "a lost column": ("UPDATE artworks SET pet_name = 'before' WHERE pet_name LIKE 'Fuzz%'", "lost write: 3 × pet_name"),
    "a deletion undone": ("INSERT INTO artworks SELECT * FROM deleted_before", "lost write: 1 × a deletion"),
    "a dropped check": ("ALTER TABLE artworks DROP CONSTRAINT artworks_generation_status_check", "rule: generation_status rejects"),
    "a dropped unique key": (
        "ALTER TABLE artworks DROP CONSTRAINT artworks_access_token_key",
        "rule: access_token rejects a second row with the same value",
    ),
    "a dropped default": ("ALTER TABLE artworks ALTER generation_status DROP DEFAULT", "rule: generation_status has a default"),
    "a side effect": ("INSERT INTO outbox SELECT 'x' FROM GENERATE_SERIES(1, 500)", "side effect: outbox got 500 rows"),
}

#: An artwork that the strategy migrates and the application has not written.
LAST = (
    "(SELECT id FROM artworks WHERE generation_status = 'completed' AND original_image_url NOT LIKE 'test-%'"
    " AND access_token <> '' ORDER BY id DESC LIMIT 1)"
)

#: What breaks conservation or fidelity while both tables are there.
COPY_BREACHES = {
    "a row left out": ("DELETE FROM artworks_v2 WHERE id = {last}", "conservation: 1 rows"),
    "a row that differs": (
        "UPDATE artworks_v2 SET customer_name = 'x' WHERE id = {last}",
        "fidelity: 1 rows differ",
    ),
    "a migration of nothing": ("TRUNCATE artworks_v2", "a migration of nothing"),
}


@pytest.fixture
def fuzzed(fuzz_bench: Bench) -> Iterator[Fuzzed]:
    """A database that no verb has run on, with an outbox, and with a clean table that has what the strategy wants in it."""
    with fuzz_bench.database("postgres") as made:
        made.admin.execute("CREATE TABLE outbox (address text)")
        yield made


@pytest.fixture
def oracle(fuzzed: Fuzzed) -> Oracle:
    """The oracle after some writes of the application."""
    application = Application(fuzzed, seed=1)
    found = look(fuzzed, application)
    application.write(24)
    fuzzed.admin.execute("CREATE TABLE deleted_before AS SELECT * FROM artworks LIMIT 1")
    fuzzed.admin.execute("REVOKE ALL ON deleted_before FROM PUBLIC, anon, authenticated")
    fuzzed.admin.execute("UPDATE deleted_before SET id = %s, access_token = 'x'", (next(iter(application.journal.deleted)),))
    found.before.sizes["deleted_before"] = 1
    return found


def test_the_oracle_finds_nothing_where_nothing_was_done(oracle: Oracle) -> None:
    """A database that only its application has written has no breach."""
    assert [] == oracle.judge(serving_clean=True)


@pytest.mark.parametrize("name", series(BREACHES, {"a lost order", "readable e-mails", "a stolen artwork", "a lost column"}))
@first(2)
def test_the_oracle_finds_each_breach(oracle: Oracle, fuzzed: Fuzzed, name: str) -> None:
    """Each law has a planted breach that the oracle names."""
    statement, expected = BREACHES[name]
    stranger = fuzzed.value("INSERT INTO users (email) VALUES ('stranger@x.example') RETURNING id::text")
    fuzzed.admin.execute(statement.replace("{stranger}", stranger))
    assert any(expected in breach for breach in oracle.judge(serving_clean=True)), oracle.judge(serving_clean=True)


@pytest.mark.parametrize("name", series(COPY_BREACHES, {"a row that differs"}))
def test_the_oracle_finds_each_breach_of_the_copy(oracle: Oracle, fuzzed: Fuzzed, name: str) -> None:
    """A row that is missing or differs in the clean table is found, and so is a clean table with hardly a row."""
    statement, expected = COPY_BREACHES[name]
    fuzzed.admin.execute("CREATE TABLE artworks_v2 AS SELECT * FROM artworks")
    assert [] == oracle.judge_copy()
    fuzzed.admin.execute(statement.replace("{last}", LAST))
    assert any(expected in breach for breach in oracle.judge_copy()), oracle.judge_copy()


def test_the_oracle_finds_a_dump_that_differs(oracle: Oracle, fuzzed: Fuzzed) -> None:
    """An object that was left behind, or is gone, shows in the dump."""
    fuzzed.admin.execute("DROP TABLE deleted_before")
    assert [] == oracle.judge_dump(fuzzed)
    fuzzed.admin.execute("CREATE INDEX left_behind ON artworks (pet_name)")
    assert [
        "dump: after the uninstall 0 lines are gone, 1 are new: CREATE INDEX left_behind ON public.artworks USING btree (pet_name);"
    ] == (oracle.judge_dump(fuzzed))


def test_the_oracle_finds_a_quadratic_statement(fuzzed: Fuzzed) -> None:
    """A nested loop over the whole table reads more rows than a migration may."""
    before = rows_read(fuzzed)
    fuzzed.rows("SELECT COUNT(*) FROM artworks")
    assert rows_read(fuzzed) - before < ROWS_VISITED * ROWS
    fuzzed.admin.execute("SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off")
    fuzzed.rows("SELECT COUNT(*) FROM artworks AS a JOIN artworks AS b ON a.pet_name = b.customer_name")
    assert rows_read(fuzzed) - before > ROWS_VISITED * ROWS


def test_the_oracle_finds_strangers_who_get_artworks(oracle: Oracle, fuzzed: Fuzzed) -> None:
    """What strangers take through an open table users, and could not take before, is found."""
    stranger = oracle.attack.strangers[0]
    fuzzed.admin.execute("INSERT INTO users (id, email) VALUES (%s, 'stranger@x.example')", (stranger,))
    fuzzed.admin.execute(f"UPDATE artworks SET user_id = '{stranger}' WHERE id = {LAST}")
    assert any("strangers got hold of 1 artworks" in breach for breach in oracle.judge(serving_clean=False))
