"""Starting a pool from the settings."""

from collections.abc import Sequence

from registre_cli.capacity.plan import plan, split
from registre_cli.core.errors import ConfigurationError, UnreachableError
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Environment, Settings
from registre_cli.ocr.engines import require_engines
from registre_cli.pool.models import PoolSummary
from registre_cli.pool.options import Nobody, Observer, PoolOptions
from registre_cli.pool.supervisor import Supervisor
from registre_cli.queue.connection import connect
from registre_cli.queue.migrate import schema_is_current


def environments_to_serve(settings: Settings, asked: Sequence[str]) -> tuple[Environment, ...]:
    """Return the environments of a pool: those asked for, else every enabled one.

    Raises ConfigurationError where one has no database, is disabled, or where none is left.
    """
    if not asked:
        enabled = tuple(e for e in settings.environments if e.enabled)
        if not enabled:
            names = ", ".join(f"OCR_{e.name.upper()}" for e in settings.environments)
            raise ConfigurationError("no environment is enabled", fix=f"set one of {names} to true")
        return enabled
    chosen = []
    for environment in settings.environments:
        if environment.name in asked:
            if not environment.enabled:
                raise ConfigurationError(
                    f"{environment.name} is disabled",
                    fix=f"set OCR_{environment.name.upper()}=true",
                )
            chosen.append(environment)
    missing = set(asked) - {environment.name for environment in chosen}
    if missing:
        name = sorted(missing)[0]
        raise ConfigurationError(
            f"the environment {name} has no database",
            fix=f"set {name.upper()}_DATABASE_URL and OCR_{name.upper()}=true",
        )
    return tuple(chosen)


def run_pool(
    settings: Settings, options: PoolOptions, observer: Observer | None = None
) -> PoolSummary:
    """Run a pool until it is told to stop; in burst mode until nothing is eligible.

    Raises ConfigurationError or UnreachableError where it cannot start.
    """
    require_engines(settings)
    if options.max_cost_usd is not None:
        _require_prices(settings)
    for environment in options.environments:
        _require_schema(environment)
    _look_for_room(settings, options)
    return Supervisor(settings, options, observer or Nobody()).run()


def _require_prices(settings: Settings) -> None:
    for engine in settings.vision:
        if not engine.has_prices:
            raise ConfigurationError(
                f"--max-cost needs the prices of {engine.name}",
                fix=f"set {engine.variable('price_input')} and {engine.variable('price_output')}"
                " in US dollars per million tokens",
            )


def _look_for_room(settings: Settings, options: PoolOptions) -> None:
    """Say where a pool is larger than its host; refuse one of which no worker can ever run."""
    index, acte = split(options.size)
    found = plan(settings, index_workers=index, acte_workers=acte)
    if options.room.force or not (found.binds or found.is_crowded):
        return
    smallest = plan(settings, index_workers=0, acte_workers=1)
    if smallest.binds:
        raise ConfigurationError(
            f"no worker fits into the declared limits: {', '.join(smallest.reasons)}",
            fix="raise SERVER_MAX_CPU and SERVER_MAX_RAM, lower WORKER_COUNT, or give --force",
        )
    get_logger().warning(
        "Pool larger than its host",
        size=options.size,
        reasons=list(found.reasons),
        outcome="workers that do not fit wait for room"
        if found.binds or options.room.auto
        else "all workers run: the limits are only measured",
        fits=found.recommended_pool_size,
    )


def _require_schema(environment: Environment) -> None:
    """Refuse a schema that lacks our changes; an environment that is away is waited for."""
    assert environment.database_url is not None
    try:
        with connect(environment.database_url) as connection:
            current = schema_is_current(connection)
    except UnreachableError as error:
        get_logger().warning("Database away", environment=environment.name, reason=error.message)
        return
    if not current:
        raise ConfigurationError(
            f"the database of {environment.name} lacks changes that the pool needs",
            fix=f"registre db migrate --env {environment.name}",
        )
