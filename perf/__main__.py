"""`python -m perf`."""

import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130  # perf.errors.ExitCode.INTERRUPTED, which is not loaded yet


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    """Nothing was started yet, so there is nothing to stop: perf.system.processes takes over when there is."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


for _each in SIGNALS:
    # Who started us may have had it ignored, as nohup does.
    if signal.getsignal(_each) is not signal.SIG_IGN:
        signal.signal(_each, _end_at_once)

from perf.cli import main  # noqa: E402

_code = main(sys.argv[1:])
# All is said and done: a late Ctrl-C shall not change what it came to.
for _each in SIGNALS:
    signal.signal(_each, signal.SIG_IGN)
sys.exit(_code)
