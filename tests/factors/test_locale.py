"""Other locales, installed or pretended."""

from __future__ import annotations

import pytest

from reprotest.factors import factor
from reprotest.factors import locale as locale_factor
from reprotest.factors._pretended_locale import transformed

WORDS = ["Zebra", "apfel", "Öl", "ofen", "Apfel", "zoo", "_rest", "straße", "strasse"]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch):
    """A machine on which the program `locale` is not found, and so no locale either."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    locale_factor._installed.cache_clear()
    yield
    locale_factor._installed.cache_clear()


def test_letters_come_before_accents_and_case() -> None:
    told = ["apfel", "Apfel", "ofen", "Öl", "_rest", "strasse", "straße", "Zebra", "zoo"]
    assert sorted(WORDS, key=transformed) == told


def test_pretended_days_and_months(play, bare: None) -> None:
    source = """
        import datetime, locale, time
        day = datetime.date(2024, 3, 5)
        print(day.strftime("%A"))
        locale.setlocale(locale.LC_TIME, "")
        print(time.strftime("%A, %d. %B %Y, 100 %%A", time.gmtime(0)))
        print(f"{day:%a %b %h|%x}", datetime.datetime(2024, 12, 1, 15, 4, 5).strftime("%c|%X|%p"))
        print(time.strftime("%A") == time.strftime("%A", time.localtime()))
        locale.setlocale(locale.LC_ALL, "C")
        print(day.strftime("%A"))
        """
    assert play(source, {"locale": 1}).out.splitlines() == [
        "Tuesday",
        "Donnerstag, 01. Januar 1970, 100 %A",
        "Di Mär Mär|05.03.2024 So 01 Dez 2024 15:04:05 |15:04:05|",
        "True",
        "Tuesday",
    ]


def test_a_locale_is_pretended_where_none_is_installed(play, bare: None) -> None:
    source = f"""
        import functools, locale
        words = {WORDS}
        plain = sorted(words)
        assert sorted(words, key=locale.strxfrm) == plain, "nobody has asked for another"
        print(locale.setlocale(locale.LC_ALL, ""), locale.setlocale(locale.LC_ALL), locale.getlocale(locale.LC_COLLATE))
        by_key = sorted(words, key=locale.strxfrm)
        assert by_key == sorted(words, key=functools.cmp_to_key(locale.strcoll)) != plain
        print(locale.format_string("%.2f", 1234.5, grouping=True), locale.atof("0,25"), locale.localeconv()["decimal_point"])
        locale.setlocale(locale.LC_ALL, "C")
        print(sorted(words, key=locale.strxfrm) == plain, locale.format_string("%.1f", 0.5))
        """
    assert factor("locale").perturb(1) == "LC_ALL=de_DE.UTF-8, pretended in Python"
    assert factor("locale").perturb(2) == "LC_ALL=C"
    out = play(source, {"locale": 1}).out.splitlines()
    assert out[0] == "de_DE.UTF-8 de_DE.UTF-8 ('de_DE', 'UTF-8')"
    assert out[1:] == ["1.234,50 0.25 ,", "True 0.5"]
