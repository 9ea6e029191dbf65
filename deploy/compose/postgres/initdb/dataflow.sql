-- The user and the database of the sink, made at the first start. It is no superuser.
\set password `cat /run/secrets/postgres-password`
CREATE ROLE dataflow LOGIN PASSWORD :'password';
CREATE DATABASE dataflow OWNER dataflow;
