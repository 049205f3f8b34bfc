"""The ways to the targets that a person named, opened together and closed together."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from registre_cli.core.errors import WrongUsageError
from registre_cli.deploy.transport.base import Transport
from registre_cli.deploy.transport.local import LocalTransport
from registre_cli.deploy.transport.ssh import SshTransport


@contextmanager
def open_transports(hosts: Sequence[str]) -> Iterator[tuple[Transport, ...]]:
    """Yield the way to each host, to this one where none is named; end every connection after.

    Raises WrongUsageError where a name is no host or comes twice; nothing is asked of any yet.
    """
    for host in hosts:
        if hosts.count(host) > 1:
            raise WrongUsageError(f"--host {host} is given twice", fix="name each host once")
    if not hosts:
        yield (LocalTransport(),)
        return
    with ExitStack() as connections:
        transports = []
        for host in hosts:
            transport = SshTransport(host)
            connections.callback(transport.close)
            transports.append(transport)
        yield tuple(transports)
