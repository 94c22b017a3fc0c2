"""The database side the steps stand on: settings, errors, database, ledger, plan. Knows neither Prefect nor Great Expectations."""
