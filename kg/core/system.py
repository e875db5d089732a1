"""Resources of the machine: processors and memory available to this process. Linux only."""

import os
from pathlib import Path


def processor_count() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def available_memory() -> int:
    """Return the memory in bytes available to this process and its children (of the machine and its control group)."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text(encoding="ascii").strip() if limit.exists() else ""
    machine = int(fields["MemAvailable"].split()[0]) * 1024
    return min(machine, int(allowed)) if allowed.isdecimal() else machine
