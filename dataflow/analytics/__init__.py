"""Analytics: questions about ranges of time, answered from windowed tables or from PostgreSQL."""
