"""Provisioning: what a deployment needs before its first worker starts, as secrets and rights."""
