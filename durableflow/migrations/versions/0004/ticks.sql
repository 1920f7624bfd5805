CREATE VIEW durableflow.ticks AS
SELECT
  t.schedule,
  t.at,
  t.state,
  t.run_id,
  (SELECT r.state FROM durableflow_core.run AS r WHERE r.id = t.run_id) AS run_state,
  t.reason,
  t.noted_at
FROM durableflow_core.tick AS t;

COMMENT ON VIEW durableflow.ticks IS 'One row a time at which a schedule was to start its workflow, and what became of it.';
COMMENT ON COLUMN durableflow.ticks.schedule IS 'Name of the schedule.';
COMMENT ON COLUMN durableflow.ticks.at IS 'The time that the schedule names, whenever it was noted.';
COMMENT ON COLUMN durableflow.ticks.state IS 'started; skipped: not started, for the reason given; queued: waits for the end of the run before; missed: no worker was there, and it was not caught up on.';
COMMENT ON COLUMN durableflow.ticks.run_id IS 'The run that it started. NULL: none.';
COMMENT ON COLUMN durableflow.ticks.run_state IS 'How that run stands. NULL: there is none, or it was pruned.';
COMMENT ON COLUMN durableflow.ticks.reason IS 'Why it was not started, or what started it if not the schedule. NULL: there is nothing to say.';
COMMENT ON COLUMN durableflow.ticks.noted_at IS 'When it came to that state.';
