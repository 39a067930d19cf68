"""Diagnosis: what a live node's evidence says about the backend that its kube-proxy uses.

Nothing here reads a node: dumps come in as text, and what they mean goes out.
"""
