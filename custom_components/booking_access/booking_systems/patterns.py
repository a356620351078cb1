"""Patterns of lines, as people write them: no code, and nothing that can run wild.

A pattern is a line as it is written, in any case. "*" stands for anything, also for
nothing; "{name}", "{phone}" and "{email}" for what is to be read there.
"""

from collections.abc import Iterator, Sequence
import re
from typing import Final

# What a detail looks like. A phone number has at least six digits: the last four of
# one, which is all that some booking sites tell, are none.
DETAILS: Final = {
    "name": r"\S[^\n]*",
    "phone": r"[+(]?(?:[ ()./-]{0,3}[0-9]){6,15}\b",
    "email": r"[^\s@<>]+@[^\s@<>]+",
}
MAX_LENGTH: Final = 100
# Each makes a line that does not fit take longer to look at.
MAX_GAPS: Final = 3
# A line that is longer, or comes later, names nobody; it may be anybody's.
MAX_LINE: Final = 300
MAX_LINES: Final = 200

_PART: Final = re.compile(r"\*|\{\w+\}|\s+|[^*{\s]+|\{")
_BLANK: Final = r"[^\S\n]"
_LINE_END: Final = re.compile(r"<(?:br|/?(?:p|div|li|tr))\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def is_line_pattern(pattern: str) -> bool:
    """Whether it says anything at all, and asks for no detail."""
    parts = _PART.findall(pattern)
    words = [part for part in parts if part != "*" and part.strip()]
    details = DETAILS.keys() & {word[1:-1] for word in words if word[:1] == "{"}
    return _is_bounded(pattern, parts) and bool(words) and not details


def is_detail_pattern(pattern: str) -> bool:
    """Whether it has a place for a detail, and for none twice."""
    parts = _PART.findall(pattern)
    wanted = [part[1:-1] for part in parts if part[:1] == "{"]
    return (
        _is_bounded(pattern, parts)
        and bool(wanted)
        and len(set(wanted)) == len(wanted)
        and DETAILS.keys() >= set(wanted)
    )


def _is_bounded(pattern: str, parts: Sequence[str]) -> bool:
    """Whether it can be looked for quickly."""
    gaps = sum(part == "*" or part[:1] == "{" for part in parts)
    return len(pattern) <= MAX_LENGTH and gaps <= MAX_GAPS


def line_matcher(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds the lines that fit a pattern; None without patterns.

    The groups of what it finds are the details' names with the pattern's number.
    """
    usable = [p.strip() for p in patterns if is_line_pattern(p) or is_detail_pattern(p)]
    if not usable:
        return None
    alternatives = "|".join(
        "".join(_expression(number, pattern)) for number, pattern in enumerate(usable)
    )
    return re.compile(
        rf"^{_BLANK}*(?:{alternatives}){_BLANK}*$", re.IGNORECASE | re.MULTILINE
    )


def _expression(number: int, pattern: str) -> Iterator[str]:
    """Yield the parts of a pattern as a regular expression."""
    for part in _PART.findall(pattern):
        if part == "*":
            yield r"[^\n]*"
        elif part.isspace():
            yield rf"{_BLANK}+"
        elif part[:1] == "{" and part[1:-1] in DETAILS:
            yield rf"(?P<{part[1:-1]}{number}>{DETAILS[part[1:-1]]})"
        else:
            yield re.escape(part)


def lines_of(*texts: str) -> str:
    """Return the lines of texts that are worth a look, without HTML."""
    found: list[str] = []
    for text in texts:
        if "<" in text:
            text = _TAG.sub("", _LINE_END.sub("\n", text))
        found += (line for line in text.splitlines() if len(line) <= MAX_LINE)
    return "\n".join(found[:MAX_LINES])


def without_details(matcher: re.Pattern[str] | None, line: str) -> str:
    """Return a line without the details that it tells."""
    found = matcher.fullmatch(line) if matcher else None
    if found is None:
        return line
    spans = [found.span(group) for group, value in found.groupdict().items() if value]
    for begin, end in sorted(spans, reverse=True):
        line = line[:begin] + line[end:]
    return line.strip(" -:,;")


def details_in(matcher: re.Pattern[str] | None, lines: str) -> dict[str, str]:
    """Return the details that the lines tell; of each the first."""
    details: dict[str, str] = {}
    if matcher:
        for found in matcher.finditer(lines):
            for group, value in found.groupdict().items():
                if value:
                    details.setdefault(group.rstrip("0123456789"), value.strip())
    return details
