-- The first topic of each name whose records are stored: one that is created again has another id.
CREATE TABLE IF NOT EXISTS dataflow_topics (
    topic text PRIMARY KEY,
    topic_id text NOT NULL
);
COMMENT ON TABLE dataflow_topics IS 'The id of the first topic of each name. Rows of a topic that was deleted and created again have its name and a part of its id as topic.';
