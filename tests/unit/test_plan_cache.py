"""A compiled engine is found by all that it depends on, and never when it is damaged."""

from __future__ import annotations

import logging
import os

import pytest

from models.plan_cache import PlanCache, digest

FACTS = {
    "kind": "tensorrt",
    "weights": "ab" * 32,
    "sizes": [512, 512],
    "precision": "fp16",
    "versions": ["10.15.1", "2.13.0"],
    "card": "NVIDIA H200",
    "sm": "9.0",
    "driver": "580.65.06",
}
CHANGES = {
    "weights": "cd" * 32,
    "sizes": [512, 520],
    "precision": "f32",
    "versions": ["10.15.2", "2.13.0"],
    "card": "NVIDIA A100",
    "sm": "8.0",
    "driver": "590.1",
}


@pytest.fixture
def cache(tmp_path) -> PlanCache:
    return PlanCache(tmp_path / "engines")


def test_what_was_kept_is_found_again_byte_for_byte(cache) -> None:
    payload = bytes(range(256)) * 50
    assert cache.get(FACTS) is None
    assert cache.get_or_build(FACTS, lambda: payload) == (payload, False)
    assert cache.get_or_build(FACTS, lambda: pytest.fail("built again")) == (payload, True)


@pytest.mark.parametrize("fact", CHANGES)
def test_any_changed_fact_misses(cache, fact) -> None:
    cache.put(FACTS, b"plan")
    changed = FACTS | {fact: CHANGES[fact]}
    assert cache.get(changed) is None
    assert cache.get_or_build(changed, lambda: b"another") == (b"another", False)
    assert cache.get(FACTS) == b"plan"


@pytest.mark.parametrize("fact", CHANGES)
def test_what_a_new_driver_card_or_library_made_stale_is_said(cache, caplog, fact) -> None:
    cache.put(FACTS, b"plan")
    cache.get_or_build(FACTS | {fact: CHANGES[fact]}, lambda: b"another")
    is_stale = fact in ("versions", "card", "sm", "driver")
    assert ("is stale" in caplog.text) is is_stale
    if is_stale:
        assert f"{fact} was {FACTS[fact]}, is {CHANGES[fact]}" in caplog.text


def test_what_is_no_entry_is_not_called_stale(cache, caplog) -> None:
    cache.folder.mkdir()
    for name, content in (("a", b""), ("b", b"lightloop plan 1\n[1]\n"), ("c", b"\xff" * 99)):
        (cache.folder / f"{name}.plan").write_bytes(content)
    assert cache.get_or_build(FACTS, lambda: b"plan") == (b"plan", False)
    assert caplog.text == ""


def test_the_order_of_facts_does_not_matter() -> None:
    assert digest(FACTS) == digest(dict(reversed(FACTS.items())))


@pytest.mark.parametrize("where", [0, 30, -1])
def test_one_flipped_bit_is_said_and_the_engine_is_built_anew(cache, caplog, where) -> None:
    cache.put(FACTS, b"plan" * 100)
    content = bytearray(cache.path(FACTS).read_bytes())
    content[where] ^= 1
    cache.path(FACTS).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert cache.get_or_build(FACTS, lambda: b"new") == (b"new", False)
    assert "is damaged: removed, and built anew" in caplog.text
    assert cache.get(FACTS) == b"new"


@pytest.mark.parametrize("kept", [0, 10, 200])
def test_a_file_that_was_cut_short_is_never_loaded(cache, kept) -> None:
    cache.put(FACTS, b"plan" * 100)
    cache.path(FACTS).write_bytes(cache.path(FACTS).read_bytes()[:kept])
    assert cache.get(FACTS) is None
    assert not cache.path(FACTS).exists()


def test_an_engine_under_the_name_of_another_is_never_loaded(cache) -> None:
    other = FACTS | {"sm": "8.0"}
    cache.put(other, b"for another card")
    cache.path(other).rename(cache.path(FACTS))
    assert cache.get(FACTS) is None


def test_what_was_used_longest_ago_makes_room(tmp_path) -> None:
    cache = PlanCache(tmp_path, limit_bytes=3500)
    entries = [FACTS | {"driver": str(n)} for n in range(3)]
    for age, facts in enumerate(entries):
        cache.put(facts, bytes(800))
        os.utime(cache.path(facts), ns=(age, age))
    assert cache.get(entries[0]) is not None  # now the newest
    cache.put(FACTS, bytes(800))
    assert cache.get(entries[0]) is not None
    assert cache.get(entries[1]) is None


def test_a_folder_that_cannot_be_written_costs_only_the_entry(tmp_path, caplog) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = PlanCache(tmp_path / "file" / "engines")
    with caplog.at_level(logging.WARNING):
        assert cache.get_or_build(FACTS, lambda: b"plan") == (b"plan", False)
    assert "cannot be kept" in caplog.text


def test_nothing_half_written_is_left(cache) -> None:
    cache.put(FACTS, b"plan")
    assert [path.suffix for path in cache.folder.iterdir()] == [".plan"]
