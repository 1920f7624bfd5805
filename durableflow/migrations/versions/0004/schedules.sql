-- What is known of a schedule's ticks is a subquery of its own column, and each finds its rows by the primary key.
CREATE VIEW durableflow.schedules AS
SELECT
  s.name,
  s.app,
  s.workflow,
  s.expression,
  s.tz,
  CASE
    WHEN s.removed_at IS NOT NULL THEN 'removed'
    WHEN s.paused_at IS NOT NULL THEN 'paused'
    ELSE 'active'
  END AS state,
  CASE WHEN s.removed_at IS NULL AND s.paused_at IS NULL THEN s.next_at END AS next_at,
  (SELECT max(t.at) FROM durableflow_core.tick AS t WHERE t.schedule = s.name) AS last_at,
  (SELECT t.state FROM durableflow_core.tick AS t WHERE t.schedule = s.name ORDER BY t.at DESC LIMIT 1) AS last_state,
  s.last_run_id,
  (SELECT count(*) FROM durableflow_core.tick AS t WHERE t.schedule = s.name AND t.state = 'queued') AS queued,
  s.catch_up,
  s.overlap,
  make_interval(secs => s.grace) AS grace,
  s.paused_at,
  s.removed_at,
  s.created_at
FROM durableflow_core.schedule AS s;

COMMENT ON VIEW durableflow.schedules IS
  'One row a schedule: what it starts, when it does so next, and how its last time went.';
COMMENT ON COLUMN durableflow.schedules.name IS 'Name of the schedule; by default that of its workflow.';
COMMENT ON COLUMN durableflow.schedules.app IS 'Name of the application that has it.';
COMMENT ON COLUMN durableflow.schedules.workflow IS 'Name of the workflow that it starts.';
COMMENT ON COLUMN durableflow.schedules.expression IS 'The cron expression: minute, hour, day of the month, month, day of the week.';
COMMENT ON COLUMN durableflow.schedules.tz IS 'Time zone in which the expression is meant.';
COMMENT ON COLUMN durableflow.schedules.state IS 'active; paused: by a person, until it is resumed; removed: not in the code any more of the worker that started last.';
COMMENT ON COLUMN durableflow.schedules.next_at IS 'Its next tick; where that has passed, no worker serves it at present. NULL: it is paused or removed.';
COMMENT ON COLUMN durableflow.schedules.last_at IS 'The latest tick of which something is known.';
COMMENT ON COLUMN durableflow.schedules.last_state IS 'What became of that tick: see ticks.state.';
COMMENT ON COLUMN durableflow.schedules.last_run_id IS 'The run that it started last, backfills left aside: the one that an overlap is about.';
COMMENT ON COLUMN durableflow.schedules.queued IS 'How many ticks wait for the end of that run.';
COMMENT ON COLUMN durableflow.schedules.catch_up IS 'What becomes of ticks that were missed. skip: nothing; one: the latest of those that are due is started; all: every one is, in order.';
COMMENT ON COLUMN durableflow.schedules.overlap IS 'What becomes of a tick while the last run is going. allow: it starts a run; skip: it is skipped; queue: it waits.';
COMMENT ON COLUMN durableflow.schedules.grace IS 'By how much a tick may be late and is not missed.';
COMMENT ON COLUMN durableflow.schedules.paused_at IS 'Since when it is paused.';
COMMENT ON COLUMN durableflow.schedules.removed_at IS 'Since when it is not in the code any more.';
COMMENT ON COLUMN durableflow.schedules.created_at IS 'When it was first known.';
