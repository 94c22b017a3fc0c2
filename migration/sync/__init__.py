"""Everything that moves or compares rows: backfill, catch-up, carry-back and reconcile."""
