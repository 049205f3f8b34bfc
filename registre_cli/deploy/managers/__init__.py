"""What keeps the pool running on a target: PM2 or systemd."""
