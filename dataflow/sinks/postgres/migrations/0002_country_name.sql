-- The one field of a parsed access log line that had no column.

ALTER TABLE web_logs ADD COLUMN country_name text;
