"""Measures the figures of DESIGN.md, section 6."""
