"""Web: one resource a file; what a worker answers over HTTP, for the whole cluster."""
