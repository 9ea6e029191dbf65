"""Catalogue: every stream, declared once. Values only: they know no app, no broker and no settings."""

from dataflow.topology_path import add_topology_path

add_topology_path()  # streams are declared with models
