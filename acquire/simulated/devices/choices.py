"""Values that a property takes, whether they come as numbers or, as in Micro-Manager, as text."""

from __future__ import annotations


class Choices(tuple[int, ...]):
    """Whole numbers that may be asked for in words: `"2" in Choices((1, 2, 4))`.

    Micro-Manager hands every value over as text; pymmcore-plus 0.18.1 compares it with the allowed
    values as it came.
    """

    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        try:
            return any(float(value) == choice for choice in self)  # type: ignore[arg-type]  # tried
        except (TypeError, ValueError):
            return False
