"""What the host has, what is taken, what fits."""
