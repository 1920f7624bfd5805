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

COMMENT ON COLUMN durableflow.steps.kind IS 'task: Celery runs it; timer: it ends at due_at; receive: it ends with an event; child: it is another run.';
COMMENT ON COLUMN durableflow.steps.due_at IS 'When it may begin (a retry), ends (a timer), or gives up (a receive).';
COMMENT ON COLUMN durableflow.steps.begun IS 'Whether it was begun to be awaited later: it goes on whatever its run awaits.';
COMMENT ON COLUMN durableflow.steps.waits_for IS 'How many other steps have to succeed before it may begin.';
COMMENT ON COLUMN durableflow.steps.child_id IS 'The run that it is. NULL: it is none.';
