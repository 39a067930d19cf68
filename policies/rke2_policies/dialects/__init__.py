"""Dialects: how each kind of file says what machines will run with, one file a dialect."""
