"""The database side: everything the steps of the flows are made of. It imports neither Prefect nor Great Expectations."""
