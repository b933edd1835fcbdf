"""What one seat may be sent now: all in order, the newest frame, or the newest whole shots.

Each of these moves the seat's pointer past what it returns, and takes the frames off its credit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realtime.stream.log import StreamLog
    from realtime.stream.seats import Seat


def in_order(seat: Seat, log: StreamLog) -> list[bytes]:
    """Return every item, as far as the credit goes; a worker is spared what does not concern it."""
    packets = []
    seat.next = max(seat.next, log.base)  # a worker that slept too long sees the jump in seq
    for item in log.read(seat.next):
        if item.seq >= 0:
            if seat.credit <= 0:
                break
            seat.credit -= 1
        seat.next += 1
        if item.for_worker or seat.policy == "lossless":
            packets.append(item.packet)
    return packets


def newest(seat: Seat, log: StreamLog, *, is_over: bool) -> list[bytes]:
    """Return every document, and the newest frame if there is credit, or if it was the last."""
    packets: list[bytes] = []
    place = 0  # a frame keeps its place among the documents: the end comes last
    for item in log.read(seat.next):
        if item.seq < 0:
            packets.append(item.packet)
        else:
            seat.waiting[0], place = [item], len(packets)
    seat.next = log.end
    if seat.waiting and (seat.credit > 0 or is_over):
        packets.insert(place, seat.waiting.pop(0)[0].packet)
        seat.credit -= 1
    return packets


def newest_shots(seat: Seat, log: StreamLog) -> list[bytes]:
    """Return the frames of the newest shot of each field that came without a gap."""
    packets = []
    building = seat.waiting.setdefault(-1, [])
    for item in log.read(seat.next):
        if item.seq < 0:
            if item.for_worker:
                packets.append(item.packet)
            continue
        if building and building[0].shot != item.shot:
            building.clear()
        building.append(item)
        if item.ends_shot:
            if len(building) == item.n_frames:  # one that lost a frame decides nothing
                seat.waiting[item.position] = list(building)
            building.clear()
    seat.next = log.end
    for position in [p for p in seat.waiting if p >= 0]:
        if seat.credit <= 0:
            break
        shot = seat.waiting.pop(position)
        packets += [item.packet for item in shot]
        seat.credit -= len(shot)  # a shot is sent whole; the next one waits for its last frame
    return packets
