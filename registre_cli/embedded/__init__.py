"""The private PostgreSQL and Valkey of the default environment."""
