"""Catalogue: every stream, declared once. Values only: they know no app, no broker and no settings."""
