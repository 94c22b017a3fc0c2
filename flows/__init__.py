"""One file per operator verb; file = function. Orchestration only."""
