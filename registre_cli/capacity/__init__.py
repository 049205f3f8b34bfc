"""What the host has, what is taken, what fits.

`host` measures the machine or the container, `plan` is arithmetic on it.
"""

from registre_cli.capacity.host import Host, measure_host
from registre_cli.capacity.plan import CapacityPlan, plan, recommended_pool_size

__all__ = ["CapacityPlan", "Host", "measure_host", "plan", "recommended_pool_size"]
