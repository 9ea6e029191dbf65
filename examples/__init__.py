"""Examples: small complete apps on the engine, to begin your own with."""
