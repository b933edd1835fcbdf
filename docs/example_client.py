"""Listen to a running lightloop: python example_client.py [session.json]. Needs pyzmq, msgpack.

What each message means: protocol.md. Without an argument the newest run that answers is heard.
"""

import json
import sys
import tempfile
from pathlib import Path

import msgpack
import zmq


def join(context: zmq.Context, path: Path) -> zmq.Socket | None:
    """Say hello to a run; None if nobody answers, for a killed run leaves its file behind."""
    address = json.loads(path.read_text())
    socket = context.socket(zmq.DEALER)
    socket.identity = b"example"  # our seat: whoever comes under this name takes it over
    socket.linger = 0
    socket.plain_username, socket.plain_password = b"lightloop", address["token"].encode()
    socket.connect(address["stream"])
    hello = {"type": "hello", "name": "example", "policy": "latest", "credit": 1}
    socket.send(msgpack.packb(hello | {"token": address["token"]}))
    return socket if socket.poll(3_000) else socket.close()


def tell(socket: zmq.Socket, newest: int = -1) -> str:
    """Print every frame that comes, what was lost, what was decided; return how it ended."""
    while socket.poll(30_000):
        match msgpack.unpackb(socket.recv()):
            case {"type": "start", "protocol": [1, _]} as said:
                print("start", said["session_id"], said["origin"], flush=True)
            case {"type": "start", "protocol": protocol}:
                sys.exit(f"protocol {protocol} is not ours")
            case {"type": "frame", "info": {"seq": seq, "applied": light}}:
                dose = f"{light['exposure_read_ms']:g} ms, {light['dose_j_cm2']:.3g} J/cm2"
                print(f"frame {seq} ({seq - newest - 1} not seen): {light['light']} nm, {dose}")
                newest = seq  # done with it: the next one may come, and it will be the newest
                socket.send(msgpack.packb({"type": "ack", "upto": seq, "credit": 1}))
            case {"type": "gap"} as said:
                print(f"frames {said['seq_from']} to {said['seq_to']} are lost: {said['reason']}")
            case {"type": "decision", "decision": decision}:
                print("decision", decision["id"], decision["reason"])
            case {"type": "end"} as said:
                return f"end: {said['n_frames']} frames, {said['n_gaps']} gaps, {said['status']}"
            case {"type": "refused", "reason": reason}:
                sys.exit(f"refused: {reason}")
    sys.exit("nothing was said for 30 s")


with zmq.Context() as context:
    here = Path(tempfile.gettempdir()).glob("lightloop-*/session.json")
    newest_first = sorted(here, key=lambda path: path.stat().st_mtime, reverse=True)
    runs = [Path(name) for name in sys.argv[1:2]] or newest_first
    run = next(filter(None, (join(context, path) for path in runs)), None)
    with run or sys.exit("no run is going on here"):
        print(tell(run))
