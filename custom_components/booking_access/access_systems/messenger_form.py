"""What people are asked about a Messenger PMS web service."""

from functools import partial
from typing import Final

from ..forms import Field, FieldKind

ROOM: Final = "room"
PASS_LEVEL: Final = "pass_level"  # noqa: S105 - no password
DEFAULT_SITE: Final = "MAIN"
DEFAULT_TERMINAL: Final = "BA"
DEFAULT_TEMPLATE: Final = "999T{phone}"

_advanced = partial(Field, required=False, advanced=True)

FORM: Final = (
    Field(name="host"),
    Field(name="port", kind=FieldKind.NUMBER, required=False),
    Field(name="username", required=False),
    Field(name="password", kind=FieldKind.PASSWORD, required=False),
    _advanced(name="path"),
    _advanced(name="ssl", kind=FieldKind.BOOLEAN, default=False),
    _advanced(name="verify_ssl", kind=FieldKind.BOOLEAN, default=True),
    _advanced(name="site_name", default=DEFAULT_SITE),
    _advanced(name="pms_terminal", default=DEFAULT_TERMINAL),
    _advanced(name="url", kind=FieldKind.URL),
)
OPTIONS: Final = (
    Field(name="mobile_keys", kind=FieldKind.BOOLEAN, required=False, default=False),
    Field(name="key_size", kind=FieldKind.NUMBER, required=False, default=0),
    Field(name="mobile_template", required=False, default=DEFAULT_TEMPLATE),
    Field(
        name="override_at_first_use",
        kind=FieldKind.BOOLEAN,
        required=False,
        default=False,
    ),
)
ENCODER: Final = (Field(name="name"), Field(name="identifier"))
ACCESS_POINT: Final = (
    Field(
        name="kind", kind=FieldKind.SELECT, choices=((ROOM, None), (PASS_LEVEL, None))
    ),
    Field(name="identifier"),
    Field(name="name", required=False),
)
