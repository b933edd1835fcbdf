"""Listen to a running lightloop: python example_client.py [session.json]. Needs pyzmq, msgpack.

What each message means: protocol.md. Without an argument the newest run that answers is heard.
"""

import json
import sys
import tempfile
from pathlib import Path

import msgpack
import zmq


def sessions() -> list[Path]:
    """Return the address file that was named, or those of all runs here, the newest first."""
    if sys.argv[1:]:
        return [Path(sys.argv[1])]
    files = Path(tempfile.gettempdir()).glob("lightloop-*/session.json")
    return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)


def join(context: zmq.Context, path: Path) -> zmq.Socket | None:
    """Say hello to a run; None if nobody answers, for a killed run leaves its file behind."""
    address = json.loads(path.read_text())
    socket = context.socket(zmq.DEALER)
    socket.identity = b"example"  # our seat: whoever comes under this name takes it over
    socket.linger = 0
    socket.plain_username = b"lightloop"
    socket.plain_password = address["token"].encode()
    socket.connect(address["stream"])
    hello = {"type": "hello", "name": "example", "policy": "latest", "credit": 1}
    socket.send(msgpack.packb(hello | {"token": address["token"]}))
    return socket if socket.poll(3_000) else socket.close()


def main() -> None:
    """Print every frame that comes, what was lost, what was decided, and how it ended."""
    context = zmq.Context()
    socket = next(filter(None, (join(context, path) for path in sessions())), None)
    if socket is None:
        sys.exit("no run is going on here")
    newest = -1
    while True:
        if not socket.poll(30_000):
            sys.exit("nothing was said for 30 s")
        said = msgpack.unpackb(socket.recv())
        match said["type"]:
            case "start":
                if said["protocol"][0] != 1:
                    sys.exit(f"protocol {said['protocol']} is not ours")
                print("start", said["session_id"], said["origin"], flush=True)
            case "frame":
                info, light = said["info"], said["info"]["applied"]
                skipped = info["seq"] - newest - 1  # a viewer sees the newest only
                newest = info["seq"]
                print(
                    f"frame {newest} ({skipped} not seen): {light['light']} nm,",
                    f"{light['exposure_read_ms']:g} ms, {light['dose_j_cm2']:.3g} J/cm2",
                )  # done with it: the next one may come
                socket.send(msgpack.packb({"type": "ack", "upto": newest, "credit": 1}))
            case "gap":
                print(f"frames {said['seq_from']} to {said['seq_to']} are lost: {said['reason']}")
            case "decision":
                print("decision", said["decision"]["id"], said["decision"]["reason"])
            case "end":
                print(f"end: {said['n_frames']} frames, {said['n_gaps']} gaps, {said['status']}")
                break
            case "refused":
                sys.exit(f"refused: {said['reason']}")
    context.destroy()


if __name__ == "__main__":
    main()
