"""One budget per engine, shared by every worker of every host.

`limiter` is what a worker passes before each page, `limiter.lua` decides in one atomic step
inside Redis, `fallback` keeps a worker to its fair share while Redis is away.
"""

from registre_cli.limiter.budget import Budget, EngineUsage, Usage
from registre_cli.limiter.limiter import Limiter

__all__ = ["Budget", "EngineUsage", "Limiter", "Usage"]
