"""Auth: who may send; secrets in files in, a guard out."""
