"""The plan of deploy_schema tries what the catalog cannot tell: what it refuses is followed to the letter, and then the whole way works."""

import pytest

from migration.errors import PrerequisitesNotMet
from migration.plans.plan import Plan
from reporting.plans import plan_markdown
from tests.artworks import add_clean, legacy
from tests.databases import Shop, accept_exposure, decide, deploy, migrate, planned_deployment, roll_back, switch
from tests.series import LONG

STYLE = "ALTER TABLE artworks ADD COLUMN style text NOT NULL DEFAULT 'oil'; ALTER TABLE artworks ALTER style DROP DEFAULT"
GENERATED = (
    "ALTER TABLE artworks RENAME COLUMN customer_email TO contact;"
    "ALTER TABLE artworks ADD COLUMN customer_email text GENERATED ALWAYS AS (LOWER(BTRIM(contact))) STORED"
)
#: What a failed artwork may not be without, and one that fails has it not.
NO_FAILURE = "ALTER TABLE artworks ADD CHECK (generation_status <> 'failed' OR generated_image_url IS NOT NULL) NOT VALID"


@pytest.fixture
def accepted(shop: Shop) -> Shop:
    """The sample, with the decision that its plan always asks for."""
    accept_exposure(shop)
    return shop


def blockers(made: Plan) -> list[tuple[str, str]]:
    """Rule and subject of each blocker."""
    return [(one.rule, one.subject) for one in made.blockers]


def go_all_the_way(shop: Shop) -> None:
    """Deploy, migrate, switch, write, roll back and switch again; the artwork made while the clean table serves is in both tables."""
    deploy(shop)
    assert {"match", "excluded"} == set(migrate(shop))
    before = add_clean(shop)
    assert "Rex" == legacy(shop, before, "pet_name")
    switch(shop)
    born = shop.value(
        "SELECT (artwork).id FROM create_artwork('Ann', 'ann@example.com', 'Rex', 'https://a.example/1', 'https://a.example/2')"
    )
    shop.sql.execute('SELECT update_artwork_lifecycle(%s, \'{"generation_status": "failed"}\')', (born,))
    assert 0 == roll_back(shop).rejected
    assert [("Ann", "ann@example.com", "Rex", "failed")] == shop.rows(
        "SELECT customer_name, customer_email, pet_name, generation_status FROM artworks WHERE id = %s", born
    )
    switch(shop)


@LONG
def test_a_required_column_blocks_and_its_statement_is_enough(accepted: Shop) -> None:
    """A legacy column that takes no NULL and that no new artwork fills blocks the deployment; after its statement the whole way works."""
    accepted.sql.execute(STYLE)
    (blocker,) = planned_deployment(accepted).blockers
    assert ("required_column", "public.artworks.style") == (blocker.rule, blocker.subject)
    accepted.sql.execute(blocker.statement)
    assert () == planned_deployment(accepted).blockers
    go_all_the_way(accepted)


@LONG
def test_a_required_column_with_a_default_is_no_blocker(accepted: Shop) -> None:
    """The other remedy is a default of the application's choice."""
    accepted.sql.execute(STYLE)
    accepted.sql.execute("ALTER TABLE artworks ALTER COLUMN style SET DEFAULT 'oil'")
    assert () == planned_deployment(accepted).blockers


@LONG
def test_a_generated_column_is_refused_and_its_statements_are_enough(accepted: Shop) -> None:
    """A generated column of the mapping is refused; made a plain one, and its source column optional, the whole way works."""
    accepted.sql.execute(GENERATED)
    with pytest.raises(PrerequisitesNotMet) as refused:
        planned_deployment(accepted)
    (problem,) = refused.value.problems
    assert ("column_generated", "public.artworks.customer_email") == (problem.rule, problem.subject)
    accepted.sql.execute(problem.statement)
    (blocker,) = planned_deployment(accepted).blockers
    assert ("required_column", "public.artworks.contact") == (blocker.rule, blocker.subject)
    accepted.sql.execute(blocker.statement)
    go_all_the_way(accepted)


@LONG
def test_a_status_that_legacy_rejects_is_found_by_trying_and_can_be_accepted(accepted: Shop) -> None:
    """A check over several columns rejects a failed artwork: the plan says SQLSTATE and constraint, and the decision lets it through."""
    accepted.sql.execute(NO_FAILURE)
    (blocker,) = planned_deployment(accepted).blockers
    assert ("artwork_rejected", "an artwork whose generation fails") == (blocker.rule, blocker.subject)
    assert "SQLSTATE 23514 (artworks.artworks_check)" in blocker.problem
    decide(accepted, *blocker.decision.split())
    assert () == planned_deployment(accepted).blockers
    deploy(accepted)
    migrate(accepted)
    switch(accepted)


@LONG
def test_a_token_that_legacy_has_no_room_for_is_found_by_trying(accepted: Shop) -> None:
    """create_artwork makes tokens of 64 characters; a shorter column rejects them, and the plan says so."""
    accepted.sql.execute(
        "UPDATE artworks SET access_token = LEFT(access_token, 40); ALTER TABLE artworks ALTER access_token TYPE varchar(40)"
    )
    made = planned_deployment(accepted)
    assert [("artwork_rejected", "a new artwork")] == blockers(made)
    assert "SQLSTATE 22001" in made.blockers[0].problem


def test_the_trial_leaves_nothing_and_says_when_it_was_not_made(accepted: Shop) -> None:
    """The schema and the rows are what they were; a locked table or a trigger that calls another server is said and blocks nothing."""
    before = accepted.schema_dump()
    assert "not tried" not in plan_markdown(planned_deployment(accepted))
    assert before == accepted.schema_dump()
    assert 0 == accepted.value("SELECT COUNT(*) FROM users WHERE email LIKE '%.invalid'")
    blocking = accepted.session()
    blocking.execute("LOCK TABLE artworks IN SHARE MODE")
    assert "a new artwork was not tried: it failed with SQLSTATE 55P03" in plan_markdown(planned_deployment(accepted))
    blocking.rollback()
    accepted.sql.execute(
        "CREATE FUNCTION call_out() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM dblink_exec('', ''); RETURN NEW; END$$;"
        "CREATE TRIGGER call_out AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION call_out()"
    )
    made = planned_deployment(accepted)
    assert () == made.blockers
    assert "trigger call_out on public.artworks may do what no rollback takes back" in plan_markdown(made)


def test_the_trial_does_not_wait_for_writers(accepted: Shop) -> None:
    """Beside a session that writes to artworks and users without committing, the trial is made."""
    writing = accepted.session()
    writing.execute("UPDATE artworks SET pet_name = pet_name; UPDATE users SET created_at = created_at")
    assert "not_tried" not in planned_deployment(accepted).facts
    writing.rollback()
