"""What must be true of rooms and doors, as plain data and plain functions.

Nothing here knows Home Assistant, a vendor, a network or the time of day:
``now`` is always an argument.
"""
