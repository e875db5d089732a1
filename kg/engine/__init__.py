"""Query execution in isolated processes, so that no query can hurt another. Linux only.

    front  ──asks──▶  pool  ──asks for workers──▶  zygote  ──forks──▶  worker

The engine has no time limit, cannot be interrupted, and dies of deep nesting or of too little memory; a process can be
killed and replaced. So the front, which speaks HTTP, holds no store. The zygote (`engine/zygote.py`) is a process
started by
exec that loads the store once and then does nothing but fork. A worker (`engine/worker.py`) shares the zygote's memory,
answers one question at a time, and is bounded in memory, in processor time and in the size of its answers. The pool
(`engine/pool.py`, in the front) decides which question goes to which worker and when a worker has to die. Instead of
its own engine a worker can ask another store (`engine/store_client.py`).
"""
