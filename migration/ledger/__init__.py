"""What the database remembers: phases, runs, plans, decisions, the safety window."""
