"""The queues that are compared. Each module offers the same five things.

`install(dsn)` makes the schema, `fill(dsn, number)` queues documents that need no work,
`LEFT` asks whether something is left, `drain(dsn, worker, ready)` is one worker until nothing is
left, and `serve(dsn, started)` one that waits for documents and says when each begins.
"""
