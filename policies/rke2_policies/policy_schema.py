"""The JSON Schema of policy files."""
