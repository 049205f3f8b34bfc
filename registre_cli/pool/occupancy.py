"""What lives on this host and what it took, for people who plan: `registre capacity`."""

from dataclasses import dataclass

import redis

from registre_cli.capacity.classes import ESTIMATES, Classes, measured_classes
from registre_cli.capacity.host import measure_host
from registre_cli.capacity.places import Place, Places
from registre_cli.capacity.usage import UsageRecord
from registre_cli.core.errors import RegistreError
from registre_cli.core.settings import Settings
from registre_cli.limiter.budgets import open_redis
from registre_cli.limiter.failure import explain


@dataclass(frozen=True)
class Occupancy:
    """The places that living pools of this host hold, and its classes of workers.

    `unknown_because` says why nobody knows, where that is so; the classes are estimates then.
    """

    places: tuple[Place, ...]
    classes: Classes
    unknown_because: str | None = None


def look_at_host(settings: Settings) -> Occupancy:
    """Ask Redis about this host; where it does not answer, say so and go on with estimates."""
    try:
        client = open_redis(settings)
        if client is None:
            return Occupancy((), ESTIMATES, "no Redis: pools of this host and measures are unknown")
        host = measure_host().name
        try:
            documents = UsageRecord(client, host).read()
            return Occupancy(Places(client, host).taken(), measured_classes(documents))
        except redis.RedisError as error:
            raise explain(error) from None
        finally:
            client.close()
    except RegistreError as error:
        return Occupancy((), ESTIMATES, f"{error.message}: pools of this host are unknown")
