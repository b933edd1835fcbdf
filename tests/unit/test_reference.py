"""What an operator would have given, shot by shot."""

from __future__ import annotations

import pytest

from acquire.frame import Index, Shot
from lightloop.config import parse
from lightloop.reference import Reference
from tests.run_helpers import SMALL
from tests.unit.export_samples import info, light


def test_no_operator_takes_the_second_look_of_an_audit() -> None:
    reference = Reference(parse(SMALL))
    for seq, (shot, is_audit) in enumerate([(0, False), (1, True), (1, True), (2, False)]):
        used = light()
        one = info(seq, shot, 0, 2, Index(t=shot), used, is_audit=is_audit)
        assert one.shot == Shot(shot, 0, 2, is_audit)
        reference.add(one)
    once = Reference(parse(SMALL))
    once.add(info(0, 0, 0, 1, Index(), light()))
    assert reference.dose["488"] == pytest.approx(3 * once.dose["488"])
