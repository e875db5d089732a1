"""Query execution in isolated processes, so that no query can affect another. Linux only.

    server  ──query──▶  pool  ──requests workers──▶  zygote  ──forks──▶  worker

The embedded engine has no time limit, cannot be interrupted, and crashes on deep nesting or lack of memory; a process
can be killed and replaced. So the server process, which speaks HTTP, holds no store. The zygote (`engine/zygote.py`) is
started by exec, loads the store once and then only forks. A worker (`engine/worker.py`) shares the zygote's memory,
runs one query at a time, and is bounded in memory, processor time and size of its answers. The pool (`engine/pool.py`,
in the server process) assigns queries to workers and decides when to kill one. Instead of the embedded engine a worker
can query an external store (`engine/store_client.py`).
"""
