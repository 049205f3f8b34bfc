"""Supervisor and workers."""
