"""The access systems we know, one module each."""
