"""The forms of UniLock: one to choose the transport, and one for each of the two."""

from collections.abc import Mapping
from typing import Any, Final

from ..engine.models import PointKind
from ..forms import Field, FieldKind
from .unilock_file import read_encoding, read_file_name, read_folder
from .unilock_profile import read_profile
from .unilock_template import EXAMPLE, Template
from .unilock_told import DEFAULT_PATTERN, read_pattern

FILE_IMPORT: Final = "file_import"
WEB_API: Final = "web_api"
ACCESS_POINT: Final = "access_point"
DOOR: Final = "door"
GROUP: Final = "person_group"
EXCEPTION: Final = "shared_exception"
KINDS: Final[Mapping[str, PointKind]] = {
    DOOR: PointKind.DOOR,
    GROUP: PointKind.GROUP,
    EXCEPTION: PointKind.SCHEDULE,
}
MAX_PERIODS: Final = 8  # as many as a timetable has [C]; of shared exceptions [P]
PIN_LENGTH: Final = 6
STUCK_AFTER: Final = 15  # minutes


def _more(name: str, kind: FieldKind = FieldKind.TEXT, **rest: Any) -> Field:
    """Declare a field that is folded away."""
    return Field(name=name, kind=kind, required=False, advanced=True, **rest)


_PIN_DIGITS: Final = _more("pin_length", FieldKind.NUMBER, default=PIN_LENGTH)
_PERIODS: Final = _more("max_periods", FieldKind.NUMBER, default=MAX_PERIODS)
FORMS: Final[Mapping[str, tuple[Field, ...]]] = {
    FILE_IMPORT: (
        Field(name="folder", kind=FieldKind.FOLDER, reader=read_folder),
        Field(name="file_name", default="booking_access.xml", reader=read_file_name),
        Field(name="template", kind=FieldKind.JSON, default=EXAMPLE, reader=Template),
        Field(name="time_format", default=DEFAULT_PATTERN, reader=read_pattern),
        _more("stuck_after", FieldKind.NUMBER, default=STUCK_AFTER),
        _more("encoding", default="utf-8", reader=read_encoding),
        _PIN_DIGITS,
        _PERIODS,
    ),
    WEB_API: (
        Field(name="url", kind=FieldKind.URL),
        Field(
            name="auth",
            kind=FieldKind.SELECT,
            default="none",
            choices=tuple(
                (each, None) for each in ("none", "basic", "header", "bearer")
            ),
        ),
        Field(name="username", required=False, autocomplete="username"),
        Field(
            name="password",
            kind=FieldKind.PASSWORD,
            required=False,
            autocomplete="current-password",
        ),
        Field(name="header", required=False),
        Field(name="token", kind=FieldKind.PASSWORD, required=False),
        _more("profile", FieldKind.JSON, reader=read_profile),
        _more("verify_ssl", FieldKind.BOOLEAN, default=True),
        _PIN_DIGITS,
        _PERIODS,
    ),
}

CHOICE: Final = Field(
    name="transport",
    kind=FieldKind.SELECT,
    default=FILE_IMPORT,
    choices=((FILE_IMPORT, None), (WEB_API, None)),
)
TYPED_IN: Final[Mapping[str, tuple[Field, ...]]] = {
    ACCESS_POINT: (
        Field(
            name="kind",
            kind=FieldKind.SELECT,
            default=GROUP,
            choices=tuple((kind, None) for kind in KINDS),
        ),
        Field(name="identifier"),
        Field(name="name"),
    )
}
