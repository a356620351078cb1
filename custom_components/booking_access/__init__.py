"""Booking Access: a booking makes the room ready for its guests."""
