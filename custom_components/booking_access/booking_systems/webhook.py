"""Any other system, which brings us its bookings in a JSON of our own."""

from typing import ClassVar

from .posted import PostedSystem


class Webhook(PostedSystem):
    """What posts its bookings to the address of the account."""

    key: ClassVar = "webhook"
    name: ClassVar = "Webhook"
