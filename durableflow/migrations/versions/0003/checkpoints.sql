CREATE OR REPLACE VIEW durableflow.checkpoints AS
SELECT
  c.run_id,
  c.rev,
  c.kind,
  r.workflow,
  v.filename AS source_file,
  c.line,
  durableflow_core.source_line(v.source, v.first_line, c.line) AS source_line,
  durableflow_core.shown(c.run_id, c.variables, variables => true) AS variables,
  (SELECT jsonb_agg(s.name ORDER BY s.index) FROM durableflow_core.step AS s
    WHERE s.run_id = c.run_id AND s.rev = c.rev) AS awaits,
  c.created_at,
  (SELECT jsonb_agg(jsonb_build_object('routine', f ->> 0, 'line', (f ->> 3)::int))
     FROM json_array_elements(c.frames) AS f) AS stack
FROM durableflow_core.checkpoint AS c
LEFT JOIN durableflow_core.run AS r ON r.id = c.run_id
LEFT JOIN durableflow_core.workflow_version AS v ON v.name = r.workflow AND v.version = r.version;

COMMENT ON COLUMN durableflow.checkpoints.stack IS 'The routines that the run stood in, as in durableflow.runs.';
