CREATE VIEW durableflow.workers AS
SELECT
  w.id,
  w.hostname,
  w.pid,
  CASE
    WHEN w.stopped_at IS NOT NULL THEN 'stopped'
    WHEN w.tombstone_at IS NOT NULL THEN 'dead'
    WHEN durableflow_core.now() - w.seen_at > interval '10 seconds' THEN 'silent'
    ELSE 'alive'
  END AS state,
  EXISTS (SELECT FROM durableflow_core.leadership AS l
           WHERE l.holder = w.id AND l.expires_at > durableflow_core.now()) AS leads,
  w.queues,
  w.versions,
  (SELECT count(*) FROM durableflow_core.claim AS c WHERE c.worker_id = w.id) AS steps_running,
  cardinality(w.holds) AS messages_held,
  w.seen_at,
  durableflow_core.now() - w.seen_at AS seen_ago,
  w.started_at,
  w.stopped_at,
  CASE WHEN w.stopped_at IS NULL THEN w.tombstone_at END AS died_at
FROM durableflow_core.worker AS w;

COMMENT ON VIEW durableflow.workers IS 'One row a life of a worker: each start has an id of its own.';
COMMENT ON COLUMN durableflow.workers.id IS 'The worker''s id, never used again.';
COMMENT ON COLUMN durableflow.workers.hostname IS 'Host that it runs on.';
COMMENT ON COLUMN durableflow.workers.pid IS 'Its main process on that host.';
COMMENT ON COLUMN durableflow.workers.state IS 'alive; silent: no sign of life for 10 seconds, and nobody has judged that yet; dead: declared dead, its steps were given to others; stopped: by itself.';
COMMENT ON COLUMN durableflow.workers.leads IS 'Whether it does the background duties for all of them at present.';
COMMENT ON COLUMN durableflow.workers.queues IS 'Celery queues that it takes messages from.';
COMMENT ON COLUMN durableflow.workers.versions IS 'What it has the code of: workflow versions as name@version, steps as name@step.';
COMMENT ON COLUMN durableflow.workers.steps_running IS 'Steps that it runs now.';
COMMENT ON COLUMN durableflow.workers.messages_held IS 'Messages that it has taken from the broker, running or waiting.';
COMMENT ON COLUMN durableflow.workers.seen_at IS 'Its last sign of life.';
COMMENT ON COLUMN durableflow.workers.seen_ago IS 'How long ago that was.';
COMMENT ON COLUMN durableflow.workers.started_at IS 'When it started.';
COMMENT ON COLUMN durableflow.workers.stopped_at IS 'When it stopped by itself.';
COMMENT ON COLUMN durableflow.workers.died_at IS 'When it was declared dead.';
