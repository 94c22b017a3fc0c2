"""Writes docs/validation.md from the suites: `python -m expectations.documentation > docs/validation.md`, or `make docs`."""

import sys

from great_expectations.expectations.expectation import Expectation

from expectations.rules import Suite, applies, declaration
from expectations.suites import SUITES

_HEAD = """\
<!-- Made from the classes in expectations/ by `make docs`. Change the classes, not this file. -->
# The gates

A gate is a suite of rules that must pass before a flow continues. `migrate-data` judges `legacy_artworks`, `users`, `clean_artworks` and
`reconciliation`; `move-customers` judges `moved_customers`; `switch-over` judges `users`, `clean_artworks`, `reconciliation` and
`application_ready` before its locks and `verification` after its commit; `verify` judges `verification`. `artwork_migration.finding`
has the ids that a rule found, and never a value. `artwork_migration.gate_result` has each verdict.

| severity | what a finding does |
|---|---|
| critical | the run ends *Red*, and the phase does not change |
| warning | it is reported; a person should read it, and the migration continues |
| info | it is reported, so that nobody is surprised |

**A rule that could not be judged makes its gate red**, whatever its severity. Its message says *could not be judged* and gives the reason:

- the rule raised an error, or Great Expectations dropped it;
- it has no result, or two, or a parameter without a value;
- it checked no row, and an empty table is not fine for it.

A rule that this database cannot break, or whose subject the server does not show, is *not applicable*, with the reason.

To fix: remove what kept the rule from checking, then run the verb again. Usual causes are an empty table, a dropped column or a missing
privilege. The rows need no change. All gates after the copy are judged before the run ends, so one message reports everything.

To read what a rule found:

```sql
SELECT f.id, f.about FROM artwork_migration.finding AS f
WHERE f.rule = 'email_spellings' AND f.run = (SELECT MAX(run) FROM artwork_migration.gate_result);
```

Great Expectations judges the rules about columns with SQL in the database, and our SQL measures the rules across rows and tables:
`sql/rules/`, `sql/reconcile/`, and `sql/verify/` for most of `verification`. Every id that a rule finds is saved.
A file in `sql/rules/` only reads, so you can run it in psql: it shows what is bad, then how much was checked.

**In a context of your own.** The folder of each report has `gates/GATE.json`: the gate's verdicts in the format of Great Expectations,
with counts and severities. A warning that found something has `success: false`; the gate has it only if a rule is red. The
query for the ids returns them until the next run is reported; `findings.csv` has them for good.
This stores a gate's result in your project and builds its Data Docs:

```python
import json
from pathlib import Path

import great_expectations as gx
from great_expectations.core import RunIdentifier
from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier, ValidationResultIdentifier

result = expectationSuiteValidationResultSchema.load(json.loads(Path("gates/clean_artworks.json").read_text()))
key = ValidationResultIdentifier(
    expectation_suite_identifier=ExpectationSuiteIdentifier(result.suite_name),
    run_id=RunIdentifier(**result.meta["run_id"]),
    batch_identifier=result.meta["database"],
)
context = gx.get_context(mode="file")
context.validation_results_store.set(key, result)
context.build_data_docs()
```
"""


def page() -> str:
    """The text of docs/validation.md."""
    return "\n".join([_HEAD, *(_suite(suite) for suite in SUITES.values())])


def _suite(suite: Suite) -> str:
    return "\n".join([f"## {suite.name}\n\n{suite.about}\n", *(_rule(suite, rule) for rule in suite.rules)])


def _rule(suite: Suite, rule: type[Expectation]) -> str:
    texts = declaration(rule)
    only = "" if applies(rule, creates_users=False) else "- **Only** where users are created ([how it works](internals.md#owners)).\n"
    return (
        f"### {suite.name}.{texts.rule}\n\n*{texts.severity}* — {texts.description}\n\n- **Why:** {texts.why}\n- **To fix:** {texts.fix}\n"
        f"{only}"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
