-- Everything about a run's place is a subquery of its own column: one that is not selected, or not within the LIMIT,
-- costs nothing, so that a list of runs stays as fast as the table.
CREATE OR REPLACE VIEW durableflow.runs AS
SELECT
  r.id,
  r.workflow,
  r.version,
  r.key,
  r.state,
  v.filename AS source_file,
  (SELECT c.line FROM durableflow_core.checkpoint AS c
    WHERE c.run_id = r.id AND c.line IS NOT NULL ORDER BY c.rev DESC LIMIT 1) AS line,
  (SELECT durableflow_core.source_line(v.source, v.first_line, c.line) FROM durableflow_core.checkpoint AS c
    WHERE c.run_id = r.id AND c.line IS NOT NULL ORDER BY c.rev DESC LIMIT 1) AS source_line,
  (SELECT durableflow_core.shown(r.id, c.variables, variables => true) FROM durableflow_core.checkpoint AS c
    WHERE c.run_id = r.id AND c.line IS NOT NULL ORDER BY c.rev DESC LIMIT 1) AS variables,
  CASE
    WHEN r.state <> 'running' THEN NULL
    WHEN r.parked_reason IS NOT NULL THEN 'a worker that can advance it: ' || r.parked_reason
    ELSE (
      SELECT CASE
          WHEN a.steps = 0 THEN format('a worker on queue %s', r.queue)
          WHEN a.unfinished = 0 THEN format('a worker on queue %s, to go on after %s', r.queue, a.names)
          WHEN a.steps > 1 THEN format('%s of %s steps of %s', a.unfinished, a.steps, a.names)
          ELSE (
            SELECT CASE
                WHEN s.kind = 'timer' THEN
                  format('%s until %s', s.name, durableflow_core.shown_time(s.due_at))
                WHEN s.kind = 'receive' THEN
                  format('event %s%s', s.name, ' until ' || durableflow_core.shown_time(s.due_at))
                WHEN s.kind = 'child' THEN format('child run %s of %s', s.child_id, s.name)
                WHEN s.state = 'running' THEN
                  format('%s (running on %s:%s, attempt %s)', s.name, coalesce(w.hostname, 'an unknown host'), c.pid,
                         s.attempt)
                WHEN q.due_at > durableflow_core.now() THEN
                  format('%s (attempt %s due at %s)', s.name, s.attempt + 1, durableflow_core.shown_time(q.due_at))
                ELSE format('%s (attempt %s ready on queue %s)', s.name, s.attempt + 1, s.queue)
              END
            FROM durableflow_core.step AS s
            LEFT JOIN durableflow_core.claim AS c ON c.run_id = s.run_id AND c.rev = s.rev AND c.index = s.index
            LEFT JOIN durableflow_core.worker AS w ON w.id = s.worker_id
            LEFT JOIN durableflow_core.ready AS q ON q.run_id = s.run_id AND q.rev = s.rev AND q.index = s.index
            WHERE s.run_id = r.id AND s.rev = a.step_rev AND s.index = a.step_index
          )
        END
      FROM (
        SELECT count(s.index) AS steps,
               count(s.index) FILTER (WHERE s.finished_at IS NULL) AS unfinished,
               string_agg(DISTINCT s.name, ', ') AS names,
               max(s.rev) AS step_rev, max(s.index) AS step_index
        FROM (
          SELECT c.rev, c.awaits FROM durableflow_core.checkpoint AS c WHERE c.run_id = r.id ORDER BY c.rev DESC LIMIT 1
        ) AS p
        LEFT JOIN LATERAL (
          SELECT o.rev, o.index, o.name, o.finished_at FROM durableflow_core.step AS o
          WHERE o.run_id = r.id AND o.rev = p.rev AND NOT o.begun AND o.shard IS DISTINCT FROM -2
          UNION
          SELECT o.rev, o.index, o.name, o.finished_at
          FROM jsonb_path_query(
            CASE WHEN strpos(p.awaits::text, '"step"') > 0 THEN p.awaits::jsonb ELSE 'null' END, 'strict $.**.step',
            silent => true) AS h
          JOIN durableflow_core.step AS o ON o.run_id = r.id AND o.rev = (h ->> 0)::int AND o.index = (h ->> 1)::int
        ) AS s ON true
      ) AS a
    )
  END AS waiting_for,
  CASE WHEN r.state = 'running' THEN (
    SELECT c.created_at FROM durableflow_core.checkpoint AS c WHERE c.run_id = r.id ORDER BY c.rev DESC LIMIT 1
  ) END AS waiting_since,
  durableflow_core.shown(r.id, r.input) AS input,
  durableflow_core.shown(r.id, r.output) AS output,
  durableflow_core.shown(r.id, r.error) AS error,
  r.labels,
  r.priority,
  r.queue,
  (SELECT max(c.rev) FROM durableflow_core.checkpoint AS c WHERE c.run_id = r.id) AS rev,
  (SELECT count(*) FROM durableflow_core.attempt AS a WHERE a.run_id = r.id AND a.outcome = 'failed')
    AS failed_attempts,
  (SELECT count(*) FROM durableflow_core.attempt AS a WHERE a.run_id = r.id AND a.outcome = 'lost')
    AS lost_attempts,
  r.parked_reason,
  r.parent_id,
  r.deadline_at,
  r.created_at,
  r.finished_at,
  (SELECT jsonb_agg(jsonb_build_object('routine', f ->> 0, 'line', (f ->> 3)::int))
     FROM (SELECT c.frames FROM durableflow_core.checkpoint AS c
            WHERE c.run_id = r.id AND c.line IS NOT NULL ORDER BY c.rev DESC LIMIT 1) AS c,
          json_array_elements(c.frames) AS f) AS stack
FROM durableflow_core.run AS r
LEFT JOIN durableflow_core.workflow_version AS v ON v.name = r.workflow AND v.version = r.version;

COMMENT ON COLUMN durableflow.runs.stack IS 'The routines that the run stands in, the innermost last, with the line of each. NULL: it stands in none.';
