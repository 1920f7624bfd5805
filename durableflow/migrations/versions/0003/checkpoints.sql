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

COMMENT ON VIEW durableflow.checkpoints IS 'The history of the runs: one row for each place that a run came to, oldest revs may be pruned.';
COMMENT ON COLUMN durableflow.checkpoints.run_id IS 'The run.';
COMMENT ON COLUMN durableflow.checkpoints.rev IS 'Its number, from 0; each decision about a run takes the next one.';
COMMENT ON COLUMN durableflow.checkpoints.kind IS 'The decision: start, advance, finish, fail, cancel or redrive.';
COMMENT ON COLUMN durableflow.checkpoints.workflow IS 'Name of the workflow.';
COMMENT ON COLUMN durableflow.checkpoints.source_file IS 'File that the workflow was defined in.';
COMMENT ON COLUMN durableflow.checkpoints.line IS 'Line in that file of the await at which the run stood. NULL: it ended here.';
COMMENT ON COLUMN durableflow.checkpoints.source_line IS 'Text of that line, in the version that the run is on.';
COMMENT ON COLUMN durableflow.checkpoints.variables IS 'Local variables at that line, by name, as in durableflow.runs. NULL: it ended here.';
COMMENT ON COLUMN durableflow.checkpoints.awaits IS 'Names of the steps that it launched, in their order.';
COMMENT ON COLUMN durableflow.checkpoints.created_at IS 'When the run came there.';
COMMENT ON COLUMN durableflow.checkpoints.stack IS 'The routines that the run stood in, as in durableflow.runs.';
