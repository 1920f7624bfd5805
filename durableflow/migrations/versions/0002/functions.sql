CREATE SCHEMA IF NOT EXISTS durableflow;
COMMENT ON SCHEMA durableflow IS
  'What durableflow knows about its runs, for everybody who can SELECT. Tables are elsewhere, and private.';

-- Arrays joined to one, or objects to one. NULL: it is not an array of either, or a part is a reference.
CREATE FUNCTION durableflow_core.joined(parts jsonb) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    SELECT CASE
        WHEN count(DISTINCT left(part, 1)) <> 1 OR left(min(part), 1) NOT IN ('[', '{') OR bool_or(reference) THEN NULL
        ELSE (left(min(part), 1)
              || coalesce(string_agg(inside, ', ' ORDER BY n) FILTER (WHERE inside <> ''), '')
              || right(min(part), 1))::jsonb
      END
      FROM (
        SELECT n, p::text AS part, substr(p::text, 2, length(p::text) - 2) AS inside, p ? '~' AS reference
          FROM jsonb_array_elements(CASE jsonb_typeof(parts) WHEN 'array' THEN parts END) WITH ORDINALITY AS x(p, n)
      ) AS each
  $$;

-- Large values are stored apart, and what refers to them says so: {"~": "blob", "hash": h} is the value of that hash, and
-- {"~": "chunks", "v": [part, ...]} the arrays (or objects) that are its parts, joined. A reference whose value is not
-- there, or is longer than what is left of the budget (in characters), stays as it is.
CREATE FUNCTION durableflow_core.expanded(
  run_id uuid, node jsonb, depth integer, INOUT budget bigint, OUT whole jsonb
)
  LANGUAGE plpgsql STABLE PARALLEL SAFE
  AS $$
  DECLARE
    tag text := CASE jsonb_typeof(node) WHEN 'object' THEN node ->> '~' END;
    keys text[] := '{}';
    parts jsonb[] := '{}';
    key text;
    part jsonb;
    piece jsonb;
    size bigint;
  BEGIN
    whole := node;
    IF depth > 100 OR strpos(node::text, '"~": "blob"') + strpos(node::text, '"~": "chunks"') = 0 THEN
      RETURN;
    ELSIF tag = 'blob' THEN
      SELECT v.body::jsonb, length(v.body::text) INTO part, size
        FROM durableflow_core.value AS v WHERE v.run_id = expanded.run_id AND v.hash = node ->> 'hash';
      IF size <= budget THEN
        SELECT e.budget, e.whole INTO budget, whole
          FROM durableflow_core.expanded(run_id, part, depth + 1, budget - size) AS e;
      END IF;
    ELSIF jsonb_typeof(node) = 'array' THEN
      FOR part IN SELECT e FROM jsonb_array_elements(node) AS e LOOP
        SELECT e.budget, e.whole INTO budget, piece
          FROM durableflow_core.expanded(run_id, part, depth + 1, budget) AS e;
        parts := array_append(parts, piece);
      END LOOP;
      whole := to_jsonb(parts);
    ELSIF tag = 'chunks' THEN
      SELECT e.budget, e.whole INTO budget, piece
        FROM durableflow_core.expanded(run_id, node -> 'v', depth + 1, budget) AS e;
      whole := coalesce(durableflow_core.joined(piece), node);
    ELSE
      FOR key, part IN SELECT e.key, e.value FROM jsonb_each(node) AS e LOOP
        SELECT e.budget, e.whole INTO budget, piece
          FROM durableflow_core.expanded(run_id, part, depth + 1, budget) AS e;
        parts := array_append(parts, piece);
        keys := array_append(keys, key);
      END LOOP;
      whole := (SELECT jsonb_object_agg(k, v) FROM unnest(keys, parts) AS o(k, v));
    END IF;
  END
  $$;

-- Runs with its owner's rights, so that a reader of the views needs no rights on tables; whoever has no USAGE on this
-- schema cannot call it.
CREATE FUNCTION durableflow.expand(run_id uuid, doc jsonb, most bigint DEFAULT 64 * 1024 * 1024) RETURNS jsonb
  LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT e.whole FROM durableflow_core.expanded(run_id, doc, 0, most) AS e $$;
COMMENT ON FUNCTION durableflow.expand(uuid, jsonb, bigint) IS
  'The document with the large values that it refers to ({"~": "blob", ...} and {"~": "chunks", ...}) in their places. References to values that are not there stay, and so do those to more than `most` characters. Example: SELECT durableflow.expand(id, output) FROM durableflow.runs WHERE key = ''order-42''.';

CREATE FUNCTION durableflow.expand(run_id uuid, doc json) RETURNS jsonb
  LANGUAGE sql STABLE STRICT PARALLEL SAFE
  AS $$ SELECT durableflow.expand(run_id, doc::jsonb) $$;
COMMENT ON FUNCTION durableflow.expand(uuid, json) IS 'See expand(uuid, jsonb, bigint).';

-- A document as its reader thinks of it: an object that occurs in several places is stored once, {"~": "def", "id": 1,
-- "v": ...}, and elsewhere as {"~": "ref", "id": 1}; here it is shown in all of them, so that variables -> 'order' is the
-- order wherever else the run holds it. What would go round in a circle, or beyond the budget (in characters), stays a
-- reference: nothing that is stored can make this run for long.
CREATE FUNCTION durableflow_core.readable(
  node jsonb, shared jsonb, within text[], depth integer, INOUT budget bigint, OUT shown jsonb
)
  LANGUAGE plpgsql STABLE PARALLEL SAFE
  AS $$
  DECLARE
    tag text := CASE jsonb_typeof(node) WHEN 'object' THEN node ->> '~' END;
    id text := CASE WHEN tag IN ('def', 'ref') THEN node ->> 'id' END;
    keys text[] := '{}';
    parts jsonb[] := '{}';
    key text;
    part jsonb;
    piece jsonb;
  BEGIN
    shown := node;
    IF depth > 60 OR strpos(node::text, '"~"') = 0 THEN
      RETURN;
    ELSIF tag = 'def' THEN
      SELECT r.budget, r.shown INTO budget, shown
        FROM durableflow_core.readable(node -> 'v', shared, within || id, depth + 1, budget) AS r;
    ELSIF tag = 'ref' THEN
      IF shared -> id IS NULL OR id = ANY (within) OR length((shared -> id)::text) > budget THEN
        RETURN;
      END IF;
      budget := budget - length((shared -> id)::text);
      SELECT r.budget, r.shown INTO budget, shown
        FROM durableflow_core.readable(shared -> id, shared, within || id, depth + 1, budget) AS r;
    ELSIF jsonb_typeof(node) = 'array' THEN
      FOR part IN SELECT e FROM jsonb_array_elements(node) AS e LOOP
        SELECT r.budget, r.shown INTO budget, piece
          FROM durableflow_core.readable(part, shared, within, depth + 1, budget) AS r;
        parts := array_append(parts, piece);
      END LOOP;
      shown := to_jsonb(parts);
    ELSE
      FOR key, part IN SELECT e.key, e.value FROM jsonb_each(node) AS e LOOP
        SELECT r.budget, r.shown INTO budget, piece
          FROM durableflow_core.readable(part, shared, within, depth + 1, budget) AS r;
        parts := array_append(parts, piece);
        keys := array_append(keys, key);
      END LOOP;
      shown := (SELECT jsonb_object_agg(k, v) FROM unnest(keys, parts) AS o(k, v));
    END IF;
  END
  $$;

-- What the views show of a document. They expand what fits on a screen: a list of runs must not carry megabytes. Of
-- variables they show the names that the workflow's author wrote; those that begin with @ are the machine's own.
CREATE FUNCTION durableflow_core.shown(run_id uuid, doc json, variables boolean DEFAULT false) RETURNS jsonb
  LANGUAGE plpgsql STABLE PARALLEL SAFE
  AS $$
  DECLARE
    most constant bigint := 256 * 1024;
    whole jsonb := doc::jsonb;
    shared jsonb;
  BEGIN
    IF strpos(doc::text, '"~"') > 0 THEN
      whole := durableflow.expand(run_id, whole, most);
      IF strpos(whole::text, '"ref"') > 0 THEN
        shared := (SELECT jsonb_object_agg(d ->> 'id', d -> 'v')
                     FROM jsonb_path_query(whole, 'strict $.** ? (@."~" == "def")', silent => true) AS d);
      END IF;
      IF jsonb_typeof(whole) = 'object' AND whole ->> '~' = 'deep' THEN
        whole := whole -> 'v';
      END IF;
    END IF;
    IF variables AND jsonb_typeof(whole) = 'object' THEN
      whole := whole - ARRAY(SELECT k FROM jsonb_object_keys(whole) AS k WHERE k LIKE '@%');
    END IF;
    IF shared IS NULL THEN
      RETURN whole;
    END IF;
    RETURN (SELECT r.shown FROM durableflow_core.readable(whole, shared, '{}', 0, most) AS r);
  END
  $$;

CREATE FUNCTION durableflow_core.shown_time(at timestamptz) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');

-- A line of a workflow's stored source, by its number in the file.
CREATE FUNCTION durableflow_core.source_line(source text, first_line integer, line integer) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN line >= first_line
    THEN nullif(btrim(split_part(source, E'\n', line - first_line + 1), E' \t\r'), '') END;
