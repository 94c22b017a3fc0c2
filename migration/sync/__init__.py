"""Moving rows: the backfill, catch-up, carry-back, and the comparison of both sides."""
