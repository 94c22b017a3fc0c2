"""The steps of the flows, one file per subject: Prefect tasks with explicit names and retries."""
