"""The shop: a process that goes on writing as the product does, on both sides, and journals every acknowledged write."""
