"""Great Expectations suites, one file per gate. Imported by tasks/validation.py only, inside the task: the import takes seconds."""
