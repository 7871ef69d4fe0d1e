"""launcher.py FD COMMAND...: runs a command and reports on it from a small process.

The peak memory that Linux reports for a process includes that of the process it
was forked from. Forked from the test runner, everything would seem to need as
much memory as the runner; this program needs little.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import sys

report = int(sys.argv[1])
os.set_inheritable(report, False)
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
processor = usage.ru_utime + usage.ru_stime
text = f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss} {processor:.6f}"
os.write(report, text.encode())
