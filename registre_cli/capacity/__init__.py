"""What the host has, what is taken, what fits.

`host` measures the machine or the container, `classes` says what a worker takes, `plan` is
arithmetic on both, `places` keeps in Redis who holds which place, `usage` what documents took
there, `memory` watches what is left.
"""

from registre_cli.capacity.host import Host, measure_host
from registre_cli.capacity.plan import CapacityPlan, plan

__all__ = ["CapacityPlan", "Host", "measure_host", "plan"]
