"""Where a process of a run begins: in a file that imports nothing, so that who starts it need not.

The supervisor names the process; what this one consists of (networks, image processing, Qt) is
imported in the process itself, and by all of them at the same time.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def enter(name: str, task_json: bytes, supervisor: Connection, *pipes: Any) -> None:
    """Be the process `lightloop.processes.NAME`; the supervisor hears why it cannot be."""
    gc.disable()  # what an import makes is no garbage: to look for some was 4 to 7 % of the start
    try:
        main = import_module(f"lightloop.processes.{name}").main
    except ImportError as error:
        from lightloop.processes.link import Failed, pack

        why = f"the {name} process cannot start: {error}; is lightloop installed whole?"
        supervisor.send_bytes(pack(Failed(why)))
        raise
    finally:
        gc.enable()
    main(task_json, supervisor, *pipes)
