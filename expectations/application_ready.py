"""The suite `application_ready`: before the switch, the application has stopped using what the clean table does not have."""

from typing import ClassVar

from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.rules import WARNING, Measured, Suite


class OldColumnsUnused(Measured):
    description: str | None = "No statement of the application has named a column that vanishes at the switch for the quiet time."
    why: ClassVar[str] = (
        "After the switch each of these statements fails. `pg_stat_statements` counts them by role; the readings of `migrate-data` and "
        "`switch-over` are compared, because it has no time of a call. So a statement is bad if its calls changed between two "
        "readings, the newer of which is within the last 10 minutes, or within `quiet_time`. A reset, and a counter that is gone, are bad "
        "for as long. About is the role, the application, the statement and its calls. "
        "`SELECT *`, and columns named within functions, are not seen."
    )
    fix: ClassVar[str] = (
        "1. Change the code of the role and application that the message names. 2. Wait for the quiet time, then run `switch-over` again. "
        "3. Or decide `waive_readiness switch-over`, for example if the application finds out which layout serves. Then plan `switch-over` "
        "again, because a decision changes the number of the plan."
    )
    not_seen: ClassVar[str] = "pg_stat_statements does not show the statements of the application; see use_can_be_seen"


class UseCanBeSeen(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "The statements of every role can be seen in `pg_stat_statements`, and nothing was evicted."
    why: ClassVar[str] = (
        "Without it nobody knows whether the application still names what vanishes, and `old_columns_unused` is not judged. With "
        "`legacy_names` a statement that names `artworks` without its schema may go through that schema, where it continues to work."
    )
    fix: ClassVar[str] = (
        "To see it: 1. Add `pg_stat_statements` to `shared_preload_libraries`, restart the server, and run `CREATE EXTENSION "
        "pg_stat_statements` in this database. 2. Grant `pg_read_all_stats` to the role that migrates. 3. Update an old one with `ALTER "
        "EXTENSION pg_stat_statements UPDATE`, and raise `pg_stat_statements.max` if it evicts. Or ask the developers; no action is "
        "required here."
    )


APPLICATION_READY = Suite(
    "application_ready",
    about=(
        "Judged by `switch-over` before its locks, on what `pg_stat_statements` has counted in this database. The application's statements "
        "are those without our comment. A constant is no part of a counted statement, so the use of an old value cannot be seen."
    ),
    measured=(OldColumnsUnused, UseCanBeSeen),
)
