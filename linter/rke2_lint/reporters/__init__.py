"""Reporters: an outcome in, text out. One format a file, imported when it is asked for."""
