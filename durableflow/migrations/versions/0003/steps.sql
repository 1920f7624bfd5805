CREATE OR REPLACE VIEW durableflow.steps AS
SELECT
  s.run_id,
  s.rev,
  s.index,
  s.name,
  s.kind,
  s.state,
  (SELECT c.line FROM durableflow_core.checkpoint AS c WHERE c.run_id = s.run_id AND c.rev = s.rev) AS line,
  durableflow_core.shown(s.run_id, s.input) AS input,
  durableflow_core.shown(s.run_id, s.output) AS output,
  durableflow_core.shown(s.run_id, s.error) AS error,
  s.attempt,
  s.failures,
  s.losses,
  coalesce(s.idempotency_key, s.run_id || ':' || s.rev || ':' || s.index) AS idempotency_key,
  s.queue,
  s.priority,
  s.worker_id,
  w.hostname,
  c.pid,
  s.created_at,
  coalesce(q.due_at, s.due_at) AS due_at,
  q.dispatched_at,
  s.started_at,
  s.finished_at,
  s.abandoned_at,
  s.begun,
  s.needs AS waits_for,
  s.child_id
FROM durableflow_core.step AS s
LEFT JOIN durableflow_core.ready AS q ON q.run_id = s.run_id AND q.rev = s.rev AND q.index = s.index
LEFT JOIN durableflow_core.claim AS c ON c.run_id = s.run_id AND c.rev = s.rev AND c.index = s.index
LEFT JOIN durableflow_core.worker AS w ON w.id = s.worker_id;

COMMENT ON VIEW durableflow.steps IS 'One row a step: each piece of work that a run awaited, and how it stands.';
COMMENT ON COLUMN durableflow.steps.run_id IS 'The run that awaits it.';
COMMENT ON COLUMN durableflow.steps.rev IS 'The checkpoint that launched it.';
COMMENT ON COLUMN durableflow.steps.index IS 'Its place among the steps of that checkpoint, from 0.';
COMMENT ON COLUMN durableflow.steps.name IS 'Name of the step, which is that of its Celery task.';
COMMENT ON COLUMN durableflow.steps.kind IS 'task: Celery runs it; timer: it ends at due_at; receive: it ends with an event; child: it is another run.';
COMMENT ON COLUMN durableflow.steps.state IS 'pending, ready, running, succeeded, failed or cancelled.';
COMMENT ON COLUMN durableflow.steps.line IS 'Line of the workflow''s file that awaits it.';
COMMENT ON COLUMN durableflow.steps.input IS 'Its arguments: {"args": [...], "kwargs": {...}}.';
COMMENT ON COLUMN durableflow.steps.output IS 'What it returned. NULL: it has not succeeded.';
COMMENT ON COLUMN durableflow.steps.error IS 'The exception of its last failed attempt.';
COMMENT ON COLUMN durableflow.steps.attempt IS 'Attempts that were begun.';
COMMENT ON COLUMN durableflow.steps.failures IS 'Attempts that raised an error.';
COMMENT ON COLUMN durableflow.steps.losses IS 'Attempts whose worker died.';
COMMENT ON COLUMN durableflow.steps.idempotency_key IS 'The same for every attempt of this piece of work, also after a redrive.';
COMMENT ON COLUMN durableflow.steps.queue IS 'Celery queue that it goes to.';
COMMENT ON COLUMN durableflow.steps.priority IS 'Priority of its message, 0 to 9; larger goes first.';
COMMENT ON COLUMN durableflow.steps.worker_id IS 'The worker of its last attempt. NULL: it waits for one.';
COMMENT ON COLUMN durableflow.steps.hostname IS 'Host of that worker.';
COMMENT ON COLUMN durableflow.steps.pid IS 'Process that runs it now. NULL: none does.';
COMMENT ON COLUMN durableflow.steps.created_at IS 'When the run awaited it.';
COMMENT ON COLUMN durableflow.steps.due_at IS 'When it may begin (a retry), ends (a timer), or gives up (a receive).';
COMMENT ON COLUMN durableflow.steps.dispatched_at IS 'When its message was last published. NULL: not yet, or it is not ready.';
COMMENT ON COLUMN durableflow.steps.started_at IS 'When its last attempt began.';
COMMENT ON COLUMN durableflow.steps.finished_at IS 'When it succeeded, failed or was cancelled.';
COMMENT ON COLUMN durableflow.steps.abandoned_at IS 'When the run stopped waiting for it.';
COMMENT ON COLUMN durableflow.steps.begun IS 'Whether it was begun to be awaited later: it goes on whatever its run awaits.';
COMMENT ON COLUMN durableflow.steps.waits_for IS 'How many other steps have to succeed before it may begin.';
COMMENT ON COLUMN durableflow.steps.child_id IS 'The run that it is. NULL: it is none.';
