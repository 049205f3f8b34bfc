"""Supervisor and workers.

`run` is the door of this room. The supervisor (one loop) owns the processes, the stewards
(one thread an environment) own the database writes that it needs, the herald (one thread)
speaks to Redis, and each worker takes its documents the whole way.
"""
