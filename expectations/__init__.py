"""The gates: one file for each suite, one class for each rule. Only tasks/validation.py imports them, inside the task: it is slow."""
