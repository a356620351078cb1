"""Every language says all that English says, with the same places to fill in."""

from collections import Counter
import json
import re

import pytest

from .translation_check import INTEGRATION, english, flatten, placeholders

ENGLISH = english()
LANGUAGES = ("da", "de", "fr", "nb", "sv")
# So much of what is more than a word or two may be the same by chance.
SAME_BY_CHANCE = 0.02


def texts(language: str) -> dict[str, str]:
    """Return the texts of a language by their dotted path."""
    path = INTEGRATION / f"translations/{language}.json"
    return dict(flatten(json.loads(path.read_text(encoding="utf-8"))))


def test_these_are_all_languages_there_are() -> None:
    found = {path.stem for path in (INTEGRATION / "translations").glob("*.json")}
    assert found == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_out_and_nothing_is_dead(language: str) -> None:
    """In the order of the English texts, so that changes are easy to follow."""
    assert list(texts(language)) == list(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_has_its_place(language: str) -> None:
    wrong = {
        key: text
        for key, text in texts(language).items()
        if placeholders(text) != placeholders(ENGLISH[key])
        or text.count("{") != text.count("}")
    }
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_clean(language: str) -> None:
    """No blanks around them, no markup, no address; code is marked as in English."""
    for key, text in texts(language).items():
        assert text == text.strip() != "", key
        assert not re.search(r"<\w|://|\[%key", text), key
        assert text.count("`") == ENGLISH[key].count("`"), key
        assert text.count("\n\n") == ENGLISH[key].count("\n\n"), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_end_and_labels_do_not(language: str) -> None:
    """As they do in English."""
    for key, text in texts(language).items():
        assert text.endswith((".", "?")) == ENGLISH[key].endswith((".", "?")), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_was_left_in_english(language: str) -> None:
    """Names of products stay, sentences do not."""
    longer = {key: text for key, text in ENGLISH.items() if text.count(" ") > 2}
    same = [key for key, text in texts(language).items() if longer.get(key) == text]
    assert len(same) <= SAME_BY_CHANCE * len(longer), same


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_the_same_in_english_is_the_same(language: str) -> None:
    """A label that stands at many places reads the same at most of them."""
    found = texts(language)
    for label, count in Counter(ENGLISH.values()).items():
        if count > 3 and label.count(" ") < 3:
            ours = Counter(found[k] for k, v in ENGLISH.items() if v == label)
            assert ours.most_common(1)[0][1] * 2 > count, (label, ours)
