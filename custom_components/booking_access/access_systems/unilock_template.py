"""The customer's own XML for UniLock's import, as a template.

The format is not public [U]: it stands in the manual "Import af objekter" that comes
with UniLock. So the customer writes it, in a small part of Jinja that computes nothing:
texts, ``{{ names }}``, ``{% for %}`` and ``{% if %}``. What it makes of a sample must be
XML, and say all that people rely on.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
import traceback
from typing import Any, Final
from xml.parsers import expat

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..engine.models import FOREVER, Person
from ..forms import BadValue
from .unilock_told import (
    DEFAULT_PATTERN,
    Change,
    Membership,
    Period,
    Times,
    Told,
    told,
    written,
)

MAX_TEMPLATE: Final = 50_000  # characters
MAX_FILE: Final = 10_000_000
MAX_DEPTH: Final = 2  # loops within loops
# Texts compared with numbers, and encodings that there are not, or not in XML.
_ODD: Final = (TypeError, ValueError, LookupError)
FILTERS: Final = ("default", "e", "lower", "trim", "upper")
_ALLOWED: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If),
    *(nodes.Name, nodes.Getattr, nodes.Filter, nodes.Const, nodes.Compare),
    *(nodes.Operand, nodes.Not, nodes.And, nodes.Or),
)

EXAMPLE: Final = """\
<?xml version="1.0" encoding="utf-8"?>
<!-- EXAMPLE ONLY. UniLock's own format stands in the manual "Import af objekter". -->
<Import>
{% for person in persons %}
{% if person.removed %}
  <Person action="delete" externalId="{{ person.external_id }}"/>
{% else %}
  <Person action="update" externalId="{{ person.external_id }}">
    <FirstName>{{ person.first_name }}</FirstName>
    <LastName>{{ person.last_name }}</LastName>
    <Phone>{{ person.phone }}</Phone>
    <Pin>{{ person.pin }}</Pin>
{% for membership in person.memberships %}
    <Membership group="{{ membership.group }}">
      <From>{{ membership.valid_from }}</From>
      <To>{{ membership.valid_to }}</To>
    </Membership>
{% endfor %}
  </Person>
{% endif %}
{% endfor %}
{% for exception in exceptions %}
  <SharedException id="{{ exception.id }}">
{% for period in exception.periods %}
    <Period from="{{ period.from }}" to="{{ period.to }}"/>
{% endfor %}
  </SharedException>
{% endfor %}
</Import>
"""


class NotMadeError(Exception):
    """A template does not make what it should of what there is."""


def variables(told: Iterable[Change], pattern: str) -> dict[str, Any]:
    """Return what is to be told as a template sees it."""
    told = list(told)
    return {
        "persons": [_person(each, pattern) for each in told if isinstance(each, Told)],
        "exceptions": [
            {
                "id": each.exception_id,
                "periods": [_period(period, pattern) for period in each.periods],
            }
            for each in told
            if isinstance(each, Times)
        ],
    }


def _person(person: Told, pattern: str) -> dict[str, Any]:
    """Return a person as a template sees them."""
    return {
        "external_id": person.external_id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone": person.phone,
        "pin": person.pin,
        "removed": person.removed,
        "memberships": [
            {
                "group": each.group,
                "valid_from": written(each.start, pattern),
                "valid_to": written(each.end, pattern),
            }
            for each in person.memberships
        ],
    }


def _period(period: Period, pattern: str) -> dict[str, str]:
    """Return a period as a template sees it."""
    start, end = (written(moment, pattern) for moment in period)
    return {"from": start, "to": end}


class Template:
    """A template that is known to do no harm; ``tells_*`` is what it makes use of."""

    def __init__(self, text: str) -> None:
        """Read a template; raises BadValue that names the line at fault."""
        environment = ImmutableSandboxedEnvironment(
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        if len(text) > MAX_TEMPLATE:
            raise BadValue("template_too_long")
        try:
            tree = environment.parse(text)
            for node in tree.iter_child_nodes():
                _check(node, 0)
            self._template = environment.from_string(tree)
        except TemplateSyntaxError as err:
            raise BadValue("template_syntax", line=str(err.lineno)) from None
        made = self._make(SAMPLE)
        _check_xml(made)
        self.tells_persons = _tells(made, "person-1", "person-2", *_BEGINNING)
        self.tells_exceptions = _tells(made, "exception-1", "exception-2", *_ENDING)
        self.tells_pins = _PIN in made
        if not (self.tells_persons or self.tells_exceptions):
            raise BadValue("template_says_nothing")

    def _make(self, sample: Sequence[Change]) -> str:
        """Return what it makes of a sample; raises BadValue that names the line."""
        try:
            return self._template.render(variables(sample, DEFAULT_PATTERN))
        except (TemplateError, TypeError) as err:
            frames = traceback.extract_tb(err.__traceback__)
            lines = [f.lineno for f in frames if f.filename == "<template>"]
            raise BadValue("template_unknown", line=str(lines[-1])) from None

    def render(self, told: Sequence[Change], pattern: str, encoding: str) -> bytes:
        """Return the file; NotMadeError if it would not be XML, or too long."""
        parts, length = [], 0
        try:
            for part in self._template.generate(variables(told, pattern)):
                parts.append(part)
                if (length := length + len(part)) > MAX_FILE:
                    raise NotMadeError("too long")
            content = "".join(parts).encode(encoding, "xmlcharrefreplace")
            expat.ParserCreate().Parse(content, True)
        except (TemplateError, expat.ExpatError, *_ODD) as err:
            # Nothing of the error's own text, which may quote people's names.
            raise NotMadeError(type(err).__name__) from None
        return content


def _check(node: nodes.Node, depth: int) -> None:
    """Raise BadValue for what a template may not hold, with its line."""
    if isinstance(node, nodes.For):
        depth += 1
        loops_over_words = not isinstance(node.iter, nodes.Name | nodes.Getattr)
        if depth > MAX_DEPTH or node.recursive or loops_over_words:
            raise BadValue("template_forbidden", line=str(node.lineno))
    unknown = isinstance(node, nodes.Filter) and node.name not in FILTERS
    if unknown or not isinstance(node, _ALLOWED):
        raise BadValue("template_forbidden", line=str(node.lineno))
    for child in node.iter_child_nodes():
        _check(child, depth)


def _check_xml(made: str) -> None:
    """Raise BadValue with the line and what stands there if it is no XML."""
    try:
        expat.ParserCreate().Parse(made, True)
    except expat.ExpatError as err:
        there = made.splitlines()[err.lineno - 1 : err.lineno]
        text = "".join(there).strip()[:80]
        raise BadValue("template_not_xml", line=str(err.lineno), text=text) from None


def _tells(made: str, kept: str, removed: str, *times: str) -> bool:
    """Whether something is told; then all of it must be: that it is over, and when.

    What is given and never taken back, or given for ever, is worse than nothing.
    """
    if kept not in made:
        return False
    if removed not in made:
        raise BadValue("template_keeps_removed")
    if not all(time in made for time in times):
        raise BadValue("template_without_times")
    return True


_PIN: Final = "48213057"
_BEGINNING: Final = ("2031-05-06T07:08:00", "2031-05-06T09:10:00")
_ENDING: Final = ("2032-05-06T07:08:00", "2032-05-06T09:10:00")


def _sample_period(texts: Iterable[str]) -> Period:
    """Return the period of two texts."""
    start, end = map(datetime.fromisoformat, texts)
    return start, end


def _sample_person(number: int, person: Person, *periods: Period) -> Told:
    """Return a person of the sample."""
    memberships = [
        Membership(group=f"group-{index}", start=start, end=end)
        for index, (start, end) in enumerate(periods)
    ]
    return told(f"person-{number}", person, _PIN if periods else None, memberships)


_FOREVER: Final = (datetime(2031, 5, 6, 7, 8), FOREVER.replace(tzinfo=None))  # noqa: DTZ001 - UniLock's clock
_SOMEBODY: Final = Person(name="Sørine <A> & \"B\" 'C'", phone="+4520123456")
# What a template is tried with: everything occurs with and without.
SAMPLE: Final[Sequence[Change]] = (
    _sample_person(1, _SOMEBODY, _sample_period(_BEGINNING), _FOREVER),
    _sample_person(2, Person()),
    _sample_person(3, Person(), _FOREVER),
    Times(exception_id="exception-1", periods=(_sample_period(_ENDING),)),
    Times(exception_id="exception-2", periods=()),
    Times(exception_id="exception-3", periods=(_FOREVER,)),
)
