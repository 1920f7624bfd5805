-- Whoever can reach the database can send an event, from any language. The payload is JSON as it is: what the workflow
-- expects decides whether it fits, and `durableflow.events` says so.
CREATE FUNCTION durableflow.send(
  run_id uuid, name text, payload json DEFAULT 'null', id text DEFAULT NULL, sent_by text DEFAULT NULL
) RETURNS boolean
  LANGUAGE plpgsql
  AS $$
  #variable_conflict use_column
  DECLARE
    run_state text;
    kept boolean;
  BEGIN
    IF send.name IS NULL OR length(send.name) NOT BETWEEN 1 AND 200 THEN
      RAISE EXCEPTION 'an event has a name of 1 to 200 characters' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF length(send.id) NOT BETWEEN 1 AND 1000 THEN
      RAISE EXCEPTION 'the id of an event has 1 to 1000 characters' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT r.state INTO run_state FROM durableflow_core.run AS r WHERE r.id = send.run_id;
    IF run_state IS NULL THEN
      RAISE EXCEPTION USING MESSAGE = 'there is no run ' || send.run_id, ERRCODE = 'no_data_found';
    END IF;
    IF run_state <> 'running' THEN
      RAISE EXCEPTION USING
        MESSAGE = 'run ' || send.run_id || ' has ended (' || run_state || '), and receives no event any more',
        ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    WITH sent AS (
      INSERT INTO durableflow_core.event (run_id, name, event_id, payload, sent_by, sent_at)
      VALUES (send.run_id, send.name, send.id, coalesce(send.payload, 'null'), coalesce(send.sent_by, session_user::text),
              durableflow_core.now())
      ON CONFLICT (run_id, event_id) WHERE event_id IS NOT NULL DO NOTHING
      RETURNING event.run_id
    ), woken AS (
      INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
      SELECT sent.run_id, 'event', durableflow_core.now(), durableflow_core.now() FROM sent
    )
    SELECT count(*) > 0 INTO kept FROM sent;
    RETURN kept;
  END
  $$;

COMMENT ON FUNCTION durableflow.send IS
  'Send an event to a run, which receives it with receive(name, ...). The same id is kept once: false for a second one. An error for a run that is unknown or has ended.';
