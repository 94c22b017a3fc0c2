"""The application: a process that writes to both tables as the product does, and keeps a journal of every acknowledged write."""
