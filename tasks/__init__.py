"""The steps of the flows as Prefect tasks, one file for each subject."""
