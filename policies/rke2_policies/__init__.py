"""What we know about pinning RKE2, and how to ask it. Import from the modules: this file stays free of imports, which keeps the start fast."""
