"""Helpers for users: gradient checks."""
