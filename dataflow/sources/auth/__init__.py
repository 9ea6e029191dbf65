"""Authentication: who may send, by secrets in files."""
