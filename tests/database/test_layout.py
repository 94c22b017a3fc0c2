"""The layout of our schema: a version that does not know it refuses before it changes anything."""

import hashlib

import pytest

from migration.errors import PrerequisitesNotMet
from migration.ledger import ledger
from migration.ledger.decisions import DecisionName
from migration.ledger.phases import DEPLOY_SCHEMA, VERBS, Verb
from reporting.report import read_report
from reporting.status import read_status
from tasks.decide import keep_decision
from tasks.pausing import end_pause, keep_pause
from tests.conftest import MakeShop
from tests.databases import Shop, joined, planned_deployment, running

#: What is in the schema by the layout's number. Another hash under the same number lets a version meet objects that it does not know.
LAYOUTS = {2: "973e5a3ae2251bb5"}
#: The columns of tables and views, the constraints, and the functions with their parameters; where old names are served there are more.
OBJECTS = """
SELECT FORMAT('%s.%s %s', c.relname, a.attname, FORMAT_TYPE(a.atttypid, a.atttypmod))
FROM pg_attribute AS a INNER JOIN pg_class AS c ON a.attrelid = c.oid
WHERE c.relnamespace = 'artwork_migration'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'S')
UNION ALL
SELECT FORMAT('%s(%s) %s', p.proname, PG_GET_FUNCTION_ARGUMENTS(p.oid), PG_GET_FUNCTION_RESULT(p.oid))
FROM pg_proc AS p
WHERE p.pronamespace = 'artwork_migration'::regnamespace
UNION ALL
SELECT FORMAT('%s %s', c.conrelid::regclass, PG_GET_CONSTRAINTDEF(c.oid))
FROM pg_constraint AS c
WHERE c.connamespace = 'artwork_migration'::regnamespace AND c.contype IN ('p', 'u', 'f', 'c')
"""
ANOTHER = "ALTER TABLE artwork_migration.phase_history ALTER layout SET DEFAULT 3"
REFUSED = r"its layout is 3, and this version reads and writes layout 2\.(.|\n)*To fix: [Uu]se the version that created it"


@pytest.fixture
def of_another_version(make_shop: MakeShop) -> Shop:
    """The production-like sample, switched by a version whose layout has another number."""
    shop = make_shop(phase="SWITCHED")
    shop.sql.execute(ANOTHER)
    return shop


def test_the_number_stands_for_what_is_there(deployed: Shop) -> None:
    """What the deployment creates is what the layout's number stands for. After a release, a change of it has a new number and hash."""
    objects = sorted(row[0] for row in deployed.sql.execute(OBJECTS))
    number = deployed.value("SELECT DISTINCT layout FROM artwork_migration.phase_history")
    assert LAYOUTS[number] == hashlib.sha256("\n".join(objects).encode()).hexdigest()[:16], "\n".join(objects)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb is not DEPLOY_SCHEMA], ids=str)
def test_no_verb_begins_on_another_layout(of_another_version: Shop, verb: Verb) -> None:
    """Each verb that follows the deployment is refused under the run's lock, and records nothing."""
    runs = of_another_version.value("SELECT COUNT(*) FROM artwork_migration.phase_history")
    with pytest.raises(PrerequisitesNotMet, match=REFUSED), running(of_another_version, verb):
        pass
    assert runs == of_another_version.value("SELECT COUNT(*) FROM artwork_migration.phase_history")


def test_no_run_joins_on_another_layout(of_another_version: Shop) -> None:
    """A run without the lock is refused too."""
    with pytest.raises(PrerequisitesNotMet, match=REFUSED), joined(of_another_version):
        pass


def test_the_plan_of_the_deployment_is_refused_too(make_shop: MakeShop) -> None:
    """A ledger that another version created for its plan is not filled by this one."""
    shop = make_shop()
    shop.database.write("creating the ledger", ledger.create)
    shop.sql.execute(ANOTHER)
    with pytest.raises(PrerequisitesNotMet, match=REFUSED):
        planned_deployment(shop)


def test_status_and_report_say_so(of_another_version: Shop) -> None:
    """What people read is refused in the same words, and not shown with what is missing."""
    for read in (read_status, read_report):
        with pytest.raises(PrerequisitesNotMet, match=REFUSED):
            read(of_another_version.database)


def test_no_decision_and_no_pause_is_recorded_on_another_layout(of_another_version: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision, a pause and its end are refused too, though they need no lock of a run."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", of_another_version.url)
    with pytest.raises(PrerequisitesNotMet, match=REFUSED):
        keep_decision(DecisionName.MAX_QUARANTINED, "5", "ada", "to try it")
    for write in (keep_pause, end_pause):
        with pytest.raises(PrerequisitesNotMet, match=REFUSED):
            write("ada", "to try it")
    assert not of_another_version.value("SELECT COUNT(*) FROM artwork_migration.decision WHERE name = 'max_quarantined'")
