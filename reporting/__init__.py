"""What people read: status, plans and sums as text and tables. Reads the ledger only."""
