"""What a failure of Redis means for a person."""

import redis

from registre_cli.core.errors import ConfigurationError, RegistreError, UnreachableError


def explain(error: redis.RedisError) -> RegistreError:
    """Turn a client's error into one that a person can act on; it never holds the password."""
    if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        return ConfigurationError(
            f"Redis refuses us ({type(error).__name__})",
            fix="correct user and password in REDIS_URL, and the rights of that user",
        )
    return UnreachableError(
        f"Redis cannot be reached ({type(error).__name__})",
        fix="check that the server runs and that REDIS_URL names its host, port and password",
    )
