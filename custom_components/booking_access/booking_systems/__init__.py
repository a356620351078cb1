"""The booking systems we know, one module each."""
