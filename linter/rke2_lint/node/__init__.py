"""The node door: evidence of nodes out of dumps, bundles and this very machine, and what it comes to."""
