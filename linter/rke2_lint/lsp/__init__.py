"""The language server: what the command line says, said by an editor while one types."""
