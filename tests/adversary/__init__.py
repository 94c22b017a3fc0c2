"""An adversarial writer, its judge outside the database, and a soak: whatever order things happen in, no acknowledged write is lost."""
