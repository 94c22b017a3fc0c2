"""The console script. It imports the flows; nothing imports it."""
