-- What: carries back the last ids of the serving table's log, under the locks.
-- Why: nobody can write any more, so after this every write is in the retired table, or in rejected_write.
-- Inverse: none; what it writes to the retired table is right before and after.
-- Locks: none beyond those acquired.
-- Stage: locked
DO $$
BEGIN
  LOOP
    EXIT WHEN (SELECT b.logged FROM artwork_migration.carry_back_batch(1000) AS b) = 0;
  END LOOP;
END
$$
