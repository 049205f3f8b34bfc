"""Ways to a target: this host, or another one."""
