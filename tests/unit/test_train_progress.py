"""Who waits for a training sees how far it is and how long it will take yet."""

from __future__ import annotations

import io
import re
from functools import partial

import pytest
import rich.console

from lightloop.cli.progress import learning_bar


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_training_tells_how_long_it_will_take_yet(monkeypatch, is_terminal) -> None:
    page, real = io.StringIO(), rich.console.Console
    fake = partial(real, file=page, force_terminal=is_terminal, width=100)
    monkeypatch.setattr(rich.console, "Console", lambda **given: fake())
    with learning_bar() as show:
        show(0, 0.0)
        for step in range(1, 6):
            show(100 * step, 0.1 * step)
    said = page.getvalue()
    assert ("step 500" in said) is is_terminal
    assert bool(re.search(r"\d:\d\d:\d\d", said)) is is_terminal
