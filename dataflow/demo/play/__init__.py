"""Play: a broker, workers and sample events, run together, watched and checked."""
