"""What an owner of light and its keeper say to each other, and the two pipes between them."""

from __future__ import annotations

from multiprocessing.connection import Connection

import msgspec

from acquire.pipe import new_pipe

# What the owner says: a lease until a time, the light is off, help, we part in good order.
LEASE, CLOSE, ALARM, BYE = b"L", b"C", b"X", b"B"
HEADS_UP = b"H"  # a lease will be asked for in a moment: nothing to do but to be awake
# What the keeper says: I have the lease, go dark at once. What the owner answers to that.
ACK, REVOKE, DARK, LIT = b"A", b"R", b"D", b"N"
LEASE_BYTES = 9  # the tag, and the deadline
LONGEST = 16  # bytes; a longer message is not ours


class Ends(msgspec.Struct, frozen=True):
    """One side of the two pipes between owner and keeper: leases, and the keeper's own orders.

    Two, so that the thread that spends light and the one that obeys the keeper never wait for each
    other. Whoever made them and is neither of both must close its copies (`close`): a pipe tells of
    a death only when the last copy is gone.
    """

    leases: Connection
    orders: Connection

    def close(self) -> None:
        """Close both pipes on this side."""
        self.leases.close()
        self.orders.close()


def make_pipes() -> tuple[Ends, Ends]:
    """Return the owner's and the keeper's ends of the pipes between them."""
    (ours, theirs), (heard, spoken) = new_pipe(), new_pipe()
    return Ends(ours, heard), Ends(theirs, spoken)
