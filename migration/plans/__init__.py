"""Plans: what they are made of, what their reader sees, and how they are executed."""
