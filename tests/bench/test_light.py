"""The light bench in small: it meets its bars, and misses one when the network is blind."""

from __future__ import annotations

import pytest

from lightloop.bench import Options, measure


@pytest.mark.parametrize("sabotage", [False, True])
def test_a_blind_network_misses_the_bar_that_a_seeing_one_meets(sabotage: bool) -> None:
    report = measure("light", Options(sabotage=sabotage, scale=0.07, thin=True))
    met = {row.name: row.ok for row in report.rows}
    assert met == {"light_best_edge_f1": not sabotage, "light_ledger_error": True}
    assert report.table.count("| policy |") == 1
