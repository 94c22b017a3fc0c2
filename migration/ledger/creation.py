"""What we create is what we meant, whatever event triggers of the database make of it in the same transaction."""

import sql

#: Queries for what is not as we created it: in our schema, at each time, and of the clean table, when it is created.
OBJECTS = "plan/altered_objects"
CLEAN_TABLE = "plan/altered_clean_table"


def restoring(*queries: str) -> str:
    """Return the statement that restores what these queries find. It fails where the role may not, and then nothing is created."""
    loops = "\n".join(f"FOR altered IN\n{sql.load(query).statement}\nLOOP\n  EXECUTE altered.restore;\nEND LOOP;" for query in queries)
    return f"DO $restore$\nDECLARE altered record;\nBEGIN\n{loops}\nEND\n$restore$"
