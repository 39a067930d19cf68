"""Certificates: making them, keeping them fresh, and serving only those that work."""
