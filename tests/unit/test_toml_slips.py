"""Who mistypes a line is shown the line, and told what it wants."""

from __future__ import annotations

import pytest

from lightloop.config import ConfigError, parse


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("name = GFP", "a word stands in double quotes"),
        ("path = my data.cfg  # mine", "a word stands in double quotes"),
        ("budget_j_cm2 = 8,0", "a number has a point, not a comma"),
        ("wavelength_nm = 488,", "there is no comma at the end of a line"),
        ("has_lock = True", "write true or false, in small letters"),
        ("exposure_ms = 20 ms", "a number stands alone, its unit is in the name"),
        ("power_fraction = 20%", "a number stands alone, its unit is in the name"),
        ("title =", "a value is missing after the ="),
        ('title = "a', "Illegal character '\\n'"),
        ("[light", "Expected ']' at the end of a table declaration"),
    ],
)
def test_a_line_that_is_not_toml_is_shown_with_what_was_meant(line: str, meant: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"# mine\n{line}\n", "mine.toml")
    shown = line.partition("  #")[0].strip()
    assert str(refused.value) == f"mine.toml: not TOML: line 2, {shown}: {meant}"


def test_an_end_that_comes_too_soon_is_said_as_the_parser_says_it() -> None:
    with pytest.raises(ConfigError, match=r"not TOML: .*end of document"):
        parse("title = [1, 2", "mine.toml")
