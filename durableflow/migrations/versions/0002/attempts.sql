-- The table holds what did not succeed at once; the attempt that runs, or that succeeded, is in the step's own row.
CREATE VIEW durableflow.attempts AS
SELECT
  a.run_id,
  a.rev,
  a.index,
  s.name,
  a.attempt,
  a.outcome,
  a.worker_id,
  a.hostname,
  a.started_at,
  a.finished_at,
  durableflow_core.shown(a.run_id, a.error) AS error,
  a.traceback
FROM durableflow_core.attempt AS a
LEFT JOIN durableflow_core.step AS s ON s.run_id = a.run_id AND s.rev = a.rev AND s.index = a.index
UNION ALL
SELECT
  s.run_id,
  s.rev,
  s.index,
  s.name,
  s.attempt,
  s.state,
  s.worker_id,
  w.hostname,
  s.started_at,
  s.finished_at,
  NULL,
  NULL
FROM durableflow_core.step AS s
LEFT JOIN durableflow_core.worker AS w ON w.id = s.worker_id
WHERE s.kind = 'task' AND s.state IN ('running', 'succeeded') AND s.attempt > 0;

COMMENT ON VIEW durableflow.attempts IS 'One row an attempt: each time that a worker took a step.';
COMMENT ON COLUMN durableflow.attempts.run_id IS 'The run.';
COMMENT ON COLUMN durableflow.attempts.rev IS 'The checkpoint that launched the step.';
COMMENT ON COLUMN durableflow.attempts.index IS 'The step''s place among those of that checkpoint.';
COMMENT ON COLUMN durableflow.attempts.name IS 'Name of the step.';
COMMENT ON COLUMN durableflow.attempts.attempt IS 'Number of the attempt, from 1.';
COMMENT ON COLUMN durableflow.attempts.outcome IS 'running, succeeded, failed (it raised an error), lost (its worker died) or snoozed (it put itself off).';
COMMENT ON COLUMN durableflow.attempts.worker_id IS 'The worker that took it.';
COMMENT ON COLUMN durableflow.attempts.hostname IS 'Host of that worker.';
COMMENT ON COLUMN durableflow.attempts.started_at IS 'When it began.';
COMMENT ON COLUMN durableflow.attempts.finished_at IS 'When it ended; of a lost one, when that was found out.';
COMMENT ON COLUMN durableflow.attempts.error IS 'The exception that it raised.';
COMMENT ON COLUMN durableflow.attempts.traceback IS 'Python''s traceback of that exception.';
