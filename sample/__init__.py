"""A production-like legacy database: an embedded server, schema, data, and an application that keeps writing."""
