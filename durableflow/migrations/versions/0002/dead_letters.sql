-- By way of the attempts: that table has only what did not succeed at once, so there is little to look through.
CREATE VIEW durableflow.dead_letters AS
SELECT
  s.run_id,
  s.rev,
  s.index,
  r.workflow,
  r.key,
  s.name,
  durableflow_core.shown(s.run_id, s.input) AS input,
  durableflow_core.shown(s.run_id, s.error) AS error,
  a.traceback,
  s.attempt AS attempts,
  s.failures,
  s.losses,
  s.queue,
  a.hostname,
  coalesce(s.idempotency_key, s.run_id || ':' || s.rev || ':' || s.index) AS idempotency_key,
  r.state AS run_state,
  s.created_at,
  s.finished_at AS failed_at
FROM durableflow_core.attempt AS a
JOIN durableflow_core.step AS s
  ON s.run_id = a.run_id AND s.rev = a.rev AND s.index = a.index AND s.attempt = a.attempt
JOIN durableflow_core.run AS r ON r.id = s.run_id
WHERE s.state = 'failed' AND s.abandoned_at IS NULL AND NOT EXISTS (
  SELECT FROM durableflow_core.step AS again
  WHERE again.run_id = s.run_id AND again.rev > s.rev
    AND again.idempotency_key = coalesce(s.idempotency_key, s.run_id || ':' || s.rev || ':' || s.index)
);

COMMENT ON VIEW durableflow.dead_letters IS 'Steps whose attempts are used up. One goes away when its run is redriven, or pruned.';
COMMENT ON COLUMN durableflow.dead_letters.run_id IS 'The run; run.redrive() lets it go on from here, if it has failed.';
COMMENT ON COLUMN durableflow.dead_letters.rev IS 'The checkpoint that launched the step.';
COMMENT ON COLUMN durableflow.dead_letters.index IS 'The step''s place among those of that checkpoint.';
COMMENT ON COLUMN durableflow.dead_letters.workflow IS 'Name of the workflow.';
COMMENT ON COLUMN durableflow.dead_letters.key IS 'The caller''s name of the run.';
COMMENT ON COLUMN durableflow.dead_letters.name IS 'Name of the step.';
COMMENT ON COLUMN durableflow.dead_letters.input IS 'Its arguments: {"args": [...], "kwargs": {...}}.';
COMMENT ON COLUMN durableflow.dead_letters.error IS 'The exception of its last attempt.';
COMMENT ON COLUMN durableflow.dead_letters.traceback IS 'Python''s traceback of that exception.';
COMMENT ON COLUMN durableflow.dead_letters.attempts IS 'Attempts that were begun.';
COMMENT ON COLUMN durableflow.dead_letters.failures IS 'Attempts that raised an error.';
COMMENT ON COLUMN durableflow.dead_letters.losses IS 'Attempts whose worker died.';
COMMENT ON COLUMN durableflow.dead_letters.queue IS 'Celery queue that it went to.';
COMMENT ON COLUMN durableflow.dead_letters.hostname IS 'Host of the last attempt''s worker.';
COMMENT ON COLUMN durableflow.dead_letters.idempotency_key IS 'What its attempts had in common, and a redrive will keep.';
COMMENT ON COLUMN durableflow.dead_letters.run_state IS 'State of the run: one that is not failed has caught the error.';
COMMENT ON COLUMN durableflow.dead_letters.created_at IS 'When the run awaited it.';
COMMENT ON COLUMN durableflow.dead_letters.failed_at IS 'When the last attempt ended.';
