-- What: carries back the last ids of the serving table's log, under the locks.
-- Why: nobody can write any more, so after this every write is in the retired table, or in rejected_write. A decision about a rejected
--   write waits for the end of this transaction: cleared after the drain, the artwork would be in no log. If ids were left, some of the
--   rows that a unique key rejected are tried once more, as many as the time under the locks allows.
-- Inverse: none; what it writes to the retired table is right before and after.
-- Locks: none of the application beyond those acquired.
-- Stage: locked
DO $$
DECLARE
  drained bigint := 0;
  batch bigint;
BEGIN
  LOCK TABLE artwork_migration.rejected_write IN SHARE ROW EXCLUSIVE MODE;
  LOOP
    SELECT b.logged INTO batch FROM artwork_migration.carry_back_batch(1000) AS b;
    EXIT WHEN batch = 0;
    drained := drained + batch;
  END LOOP;
  IF drained > 0 AND artwork_migration.log_rejected_again(10) > 0 THEN
    PERFORM artwork_migration.carry_back_batch(10);
  END IF;
END
$$
