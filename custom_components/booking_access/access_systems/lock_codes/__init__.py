"""Codes on Home Assistant's own locks, through the integration that each lock has."""
