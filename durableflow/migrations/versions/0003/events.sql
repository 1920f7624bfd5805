CREATE VIEW durableflow.events AS
SELECT
  e.run_id,
  e.id,
  e.name,
  e.event_id,
  CASE WHEN e.received_at IS NOT NULL THEN 'received' WHEN e.rejected_at IS NOT NULL THEN 'rejected' ELSE 'waiting' END
    AS state,
  durableflow_core.shown(e.run_id, e.payload) AS payload,
  e.sent_by,
  e.sent_at,
  e.received_at,
  e.received_rev AS rev,
  e.received_index AS index,
  e.rejected_at,
  e.rejection
FROM durableflow_core.event AS e;

COMMENT ON VIEW durableflow.events IS 'One row an event: what was sent to a run, by whom, and what became of it.';
COMMENT ON COLUMN durableflow.events.run_id IS 'The run that it was sent to.';
COMMENT ON COLUMN durableflow.events.id IS 'Its number: of two events of one name, the one with the smaller number is received first.';
COMMENT ON COLUMN durableflow.events.name IS 'Name of the event.';
COMMENT ON COLUMN durableflow.events.event_id IS 'The sender''s own name of it: a second one of the same id is not kept.';
COMMENT ON COLUMN durableflow.events.state IS 'waiting, received, or rejected: it was not what the run waited for.';
COMMENT ON COLUMN durableflow.events.payload IS 'What was sent.';
COMMENT ON COLUMN durableflow.events.sent_by IS 'Who sent it, as the sender said.';
COMMENT ON COLUMN durableflow.events.sent_at IS 'When it was sent.';
COMMENT ON COLUMN durableflow.events.received_at IS 'When the run received it.';
COMMENT ON COLUMN durableflow.events.rev IS 'The checkpoint that waited for it.';
COMMENT ON COLUMN durableflow.events.index IS 'The step of that checkpoint that it ended.';
COMMENT ON COLUMN durableflow.events.rejected_at IS 'When it was set aside.';
COMMENT ON COLUMN durableflow.events.rejection IS 'Why it was set aside.';
