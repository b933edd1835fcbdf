"""Dose: what a light gives, where, and what may still be given."""

from __future__ import annotations

from acquire.dose.budget import Budget, Ticket
from acquire.dose.ledger import Ledger

__all__ = ["Budget", "Ledger", "Ticket"]
