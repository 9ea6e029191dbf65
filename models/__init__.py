"""Models: one faust.Record a file; what events look like, for people and for other Faust apps."""
