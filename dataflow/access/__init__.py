"""Access: who a client is, by password, token, certificate or the workers' secret, and what it may do."""
