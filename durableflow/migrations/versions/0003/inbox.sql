-- What is not finished has its wake or its due time elsewhere; here, the waits themselves are looked for, run by run.
CREATE VIEW durableflow.inbox AS
SELECT
  s.run_id,
  r.workflow,
  r.key,
  r.labels,
  s.name,
  CASE WHEN s.options ->> 'signed' = 'true' THEN 'approval' ELSE 'event' END AS kind,
  (s.options -> 'form')::jsonb AS form,
  s.created_at AS waiting_since,
  s.due_at AS waiting_until,
  s.rev,
  s.index
FROM durableflow_core.run AS r
JOIN LATERAL (
  SELECT c.rev FROM durableflow_core.checkpoint AS c WHERE c.run_id = r.id ORDER BY c.rev DESC LIMIT 1
) AS p ON true
JOIN durableflow_core.step AS s ON s.run_id = r.id AND s.rev = p.rev AND s.kind = 'receive' AND s.state = 'pending'
WHERE r.state = 'running';

COMMENT ON VIEW durableflow.inbox IS 'One row a wait for an event: what running runs want to be sent, and the form of it.';
COMMENT ON COLUMN durableflow.inbox.run_id IS 'The run that waits.';
COMMENT ON COLUMN durableflow.inbox.workflow IS 'Name of its workflow.';
COMMENT ON COLUMN durableflow.inbox.key IS 'The caller''s name of the run.';
COMMENT ON COLUMN durableflow.inbox.labels IS 'The caller''s labels of the run.';
COMMENT ON COLUMN durableflow.inbox.name IS 'Name of the event that it waits for.';
COMMENT ON COLUMN durableflow.inbox.kind IS 'event, or approval: a person''s decision.';
COMMENT ON COLUMN durableflow.inbox.form IS 'JSON schema of what is to be sent. NULL: anything.';
COMMENT ON COLUMN durableflow.inbox.waiting_since IS 'Since when it waits.';
COMMENT ON COLUMN durableflow.inbox.waiting_until IS 'When it gives up. NULL: never.';
COMMENT ON COLUMN durableflow.inbox.rev IS 'The checkpoint that waits.';
COMMENT ON COLUMN durableflow.inbox.index IS 'The step of that checkpoint.';
