"""The checks of verify-setup."""
