-- Every statement of the queue, by name. Times are the database's own (clock_timestamp), so
-- that a host with a wrong clock cannot lose or steal a lease.

-- fragment: eligible
-- The predicate of the index registre_ready, word for word, so that the claim is served by it.
status_id = 3
      AND ocr_not_before IS NULL
      AND btrim(supabase_path) <> ''
      AND coalesce(file_content, '') = ''
      AND coalesce(ocr_attempts, 0) < coalesce(ocr_max_attempts, 3)

-- fragment: unready
-- Whatever else is at status 3; the predicate of the index registre_blocked, word for word.
status_id = 3
      AND (ocr_not_before IS NULL
           AND btrim(supabase_path) <> ''
           AND coalesce(file_content, '') = ''
           AND coalesce(ocr_attempts, 0) < coalesce(ocr_max_attempts, 3)) IS NOT TRUE

-- fragment: block_reason
-- A waiting document has exactly one reason not to be eligible, or none. A delay that is over
-- does not block: the document is put back into the ready index within a second.
CASE
            WHEN document_source::text NOT IN ('index', 'acte') THEN 'unsupported_source'
            WHEN coalesce(btrim(supabase_path), '') = '' THEN 'no_path'
            WHEN coalesce(file_content, '') <> '' THEN 'already_has_text'
            WHEN coalesce(ocr_attempts, 0) >= coalesce(ocr_max_attempts, 3) THEN 'max_attempts'
            WHEN ocr_not_before > clock_timestamp() THEN 'backing_off'
        END

-- fragment: unsynced
-- This transaction does not wait for the disk. Where the server crashes in the next moment, its
-- write never was: the document is ready again, or its lease ends earlier, and the fence turns
-- away whoever believes otherwise. A result is never written so.
set_config('synchronous_commit', 'off', true)

-- fragment: fresh_start
-- No tries, no delay, no text: as if it had just been stored.
status_id = 3, ocr_attempts = 0, ocr_not_before = NULL, ocr_worker_id = NULL,
    ocr_lease_until = NULL, ocr_started_at = NULL, ocr_completed_at = NULL,
    ocr_cancel_requested = false, file_content = NULL, boosted_file_content = NULL,
    ocr_confidence = NULL, ocr_pages = NULL, ocr_fields = NULL, updated_at = clock_timestamp(),
    ocr_history = coalesce(ocr_history, '[]'::jsonb) || jsonb_build_object(
        'ended_at', clock_timestamp(), 'outcome', 'retry asked', 'reason', NULL)

-- name: claim
-- The oldest document of the highest priority becomes ours, in one statement.
WITH next AS (
    SELECT id
    FROM extraction_queue
    WHERE document_source = %(source)s
      AND {eligible}
    ORDER BY ocr_priority DESC, created_at, id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE extraction_queue AS document
SET status_id = 6,
    ocr_attempts = coalesce(document.ocr_attempts, 0) + 1,
    ocr_worker_id = %(worker_id)s,
    ocr_started_at = clock_timestamp(),
    ocr_completed_at = NULL,
    ocr_lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
    ocr_cancel_requested = false,
    updated_at = clock_timestamp()
FROM next
WHERE document.id = next.id
RETURNING document.id::text, document.ocr_attempts, document.document_number,
    document.document_source::text, document.supabase_path,
    coalesce(document.ocr_max_attempts, 3), document.circonscription_fonciere::text,
    document.cadastre::text, document.designation_secondaire::text, document.acte_type::text,
    {unsynced}

-- name: renew
-- A lease that ended but that nobody took is still ours: the fence decides, not the clock.
UPDATE extraction_queue
SET ocr_lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
WHERE id = %(id)s AND status_id = 6
  AND ocr_worker_id = %(worker_id)s AND ocr_attempts = %(attempt)s
RETURNING ocr_cancel_requested, {unsynced}

-- name: complete
UPDATE extraction_queue
SET status_id = 5,
    file_content = %(raw_text)s,
    boosted_file_content = %(boosted_text)s,
    ocr_confidence = %(confidence)s,
    ocr_pages = %(pages)s::jsonb,
    ocr_fields = %(fields)s::jsonb,
    ocr_completed_at = clock_timestamp(),
    ocr_error = NULL,
    ocr_lease_until = NULL,
    ocr_not_before = NULL,
    updated_at = clock_timestamp(),
    ocr_history = coalesce(ocr_history, '[]'::jsonb) || jsonb_build_object(
        'attempt', ocr_attempts, 'worker_id', ocr_worker_id, 'started_at', ocr_started_at,
        'ended_at', clock_timestamp(), 'outcome', 'done', 'reason', NULL)
WHERE id = %(id)s AND status_id = 6
  AND ocr_worker_id = %(worker_id)s AND ocr_attempts = %(attempt)s
RETURNING true

-- name: fail_transient
-- Back to 3 after a delay that doubles with each try, half of it by chance; 4 once the tries
-- are used up.
UPDATE extraction_queue
SET status_id = CASE WHEN ocr_attempts >= coalesce(ocr_max_attempts, 3) THEN 4 ELSE 3 END,
    ocr_not_before = CASE WHEN ocr_attempts >= coalesce(ocr_max_attempts, 3) THEN NULL ELSE
        clock_timestamp() + make_interval(secs =>
            least(%(delay_cap_seconds)s, %(delay_base_seconds)s * power(2, least(ocr_attempts, 30) - 1))
            * (0.5 + random() / 2)) END,
    ocr_error = %(reason)s,
    ocr_last_error_at = clock_timestamp(),
    ocr_lease_until = NULL,
    updated_at = clock_timestamp(),
    ocr_history = coalesce(ocr_history, '[]'::jsonb) || jsonb_build_object(
        'attempt', ocr_attempts, 'worker_id', ocr_worker_id, 'started_at', ocr_started_at,
        'ended_at', clock_timestamp(), 'reason', %(reason)s::text, 'outcome',
        CASE WHEN ocr_attempts >= coalesce(ocr_max_attempts, 3) THEN 'failed' ELSE 'retried' END)
WHERE id = %(id)s AND status_id = 6
  AND ocr_worker_id = %(worker_id)s AND ocr_attempts = %(attempt)s
RETURNING status_id

-- name: fail_permanent
UPDATE extraction_queue
SET status_id = 4,
    ocr_not_before = NULL,
    ocr_error = %(reason)s,
    ocr_last_error_at = clock_timestamp(),
    ocr_lease_until = NULL,
    updated_at = clock_timestamp(),
    ocr_history = coalesce(ocr_history, '[]'::jsonb) || jsonb_build_object(
        'attempt', ocr_attempts, 'worker_id', ocr_worker_id, 'started_at', ocr_started_at,
        'ended_at', clock_timestamp(), 'outcome', 'failed', 'reason', %(reason)s::text)
WHERE id = %(id)s AND status_id = 6
  AND ocr_worker_id = %(worker_id)s AND ocr_attempts = %(attempt)s
RETURNING status_id

-- name: give_back
-- A graceful stop: back to 3 at once, and the try is given back.
UPDATE extraction_queue
SET status_id = 3,
    ocr_attempts = ocr_attempts - 1,
    ocr_worker_id = NULL,
    ocr_started_at = NULL,
    ocr_lease_until = NULL,
    ocr_not_before = NULL,
    updated_at = clock_timestamp(),
    ocr_history = coalesce(ocr_history, '[]'::jsonb) || jsonb_build_object(
        'attempt', ocr_attempts, 'worker_id', ocr_worker_id, 'started_at', ocr_started_at,
        'ended_at', clock_timestamp(), 'outcome', 'given back', 'reason', %(reason)s::text)
WHERE id = %(id)s AND status_id = 6
  AND ocr_worker_id = %(worker_id)s AND ocr_attempts = %(attempt)s
RETURNING true

-- name: rescue_lost
-- Leases that ended, of any worker of any host. A row at 6 without a lease was left by another
-- program: it is ours to rescue once it has not moved for a quarter of an hour.
WITH lost AS (
    SELECT id
    FROM extraction_queue
    WHERE status_id = 6
      AND (ocr_lease_until < clock_timestamp()
           OR (ocr_lease_until IS NULL
               AND coalesce(ocr_started_at, updated_at, created_at, '-infinity')
                   < clock_timestamp() - interval '15 minutes'))
    LIMIT 100
    FOR UPDATE SKIP LOCKED
), before AS (
    SELECT document.id, document.ocr_worker_id, coalesce(document.ocr_attempts, 1) AS attempt,
        document.ocr_started_at,
        coalesce(document.ocr_attempts, 1) >= coalesce(document.ocr_max_attempts, 3) AS used_up,
        format('worker lost: the lease of %%s ended during try %%s',
            coalesce(document.ocr_worker_id, 'an unknown worker'),
            coalesce(document.ocr_attempts, 1)) AS reason
    FROM extraction_queue AS document
    JOIN lost ON lost.id = document.id
)
UPDATE extraction_queue AS document
SET status_id = CASE WHEN before.used_up THEN 4 ELSE 3 END,
    ocr_attempts = before.attempt,
    ocr_not_before = CASE WHEN before.used_up THEN NULL ELSE
        clock_timestamp() + make_interval(secs =>
            least(%(delay_cap_seconds)s, %(delay_base_seconds)s * power(2, least(before.attempt, 30) - 1))
            * (0.5 + random() / 2)) END,
    ocr_error = before.reason,
    ocr_last_error_at = clock_timestamp(),
    ocr_lease_until = NULL,
    updated_at = clock_timestamp(),
    ocr_history = coalesce(document.ocr_history, '[]'::jsonb) || jsonb_build_object(
        'attempt', before.attempt, 'worker_id', before.ocr_worker_id,
        'started_at', before.ocr_started_at, 'ended_at', clock_timestamp(),
        'reason', before.reason,
        'outcome', CASE WHEN before.used_up THEN 'failed' ELSE 'retried' END)
FROM before
WHERE document.id = before.id
RETURNING document.id::text, document.document_number, document.document_source::text,
    before.ocr_worker_id, before.attempt, document.status_id

-- name: claims_of
-- Documents that stand in the names of these workers; few are being read at any time.
SELECT id::text, ocr_attempts, ocr_worker_id
FROM extraction_queue
WHERE status_id = 6 AND ocr_worker_id = ANY(%(worker_ids)s)

-- name: wake_due_retries
-- Documents whose delay is over return to the ready index (and to whoever listens).
UPDATE extraction_queue
SET ocr_not_before = NULL
WHERE id IN (
    SELECT id FROM extraction_queue
    WHERE status_id = 3 AND ocr_not_before IS NOT NULL AND ocr_not_before <= clock_timestamp()
    ORDER BY ocr_not_before
    LIMIT 500
    FOR UPDATE SKIP LOCKED
)

-- name: waiting_work
-- Eligible documents of one source, counted up to a bound that is far above any pool's reach.
SELECT count(*) FROM (
    SELECT 1
    FROM extraction_queue
    WHERE document_source = %(source)s
      AND {eligible}
    LIMIT 10000
) AS bounded

-- name: mean_seconds
-- The usual seconds of one document, from the last ones that were read. The week is a filter of
-- the outside: inside, it would tempt the planner to read and sort all of it.
SELECT document_source::text, avg(seconds) FROM (
    SELECT document_source, ocr_completed_at,
        extract(epoch FROM ocr_completed_at - ocr_started_at)::float8 AS seconds
    FROM extraction_queue
    WHERE status_id = 5 AND ocr_completed_at IS NOT NULL
    ORDER BY ocr_completed_at DESC
    LIMIT 200
) AS latest
WHERE seconds >= 0 AND ocr_completed_at > clock_timestamp() - interval '7 days'
GROUP BY document_source

-- name: first_eligible
SELECT id::text, supabase_path
FROM extraction_queue
WHERE document_source = %(source)s
  AND {eligible}
ORDER BY ocr_priority DESC, created_at, id
LIMIT 1

-- name: by_itself
-- A look at the queue takes one processor of a server that others work on, for this transaction
-- only. On two processors it is also the faster way: helpers cost more than they count.
SELECT set_config('max_parallel_workers_per_gather', '0', true)

-- name: counts
-- What no longer waits. One plain count for each status: grouping would hash every row, which
-- doubles the time of a million rows that no vacuum has seen yet.
SELECT 4, count(*) FILTER (WHERE document_source = 'index'),
    count(*) FILTER (WHERE document_source = 'acte')
FROM extraction_queue WHERE status_id = 4
UNION ALL
SELECT 5, count(*) FILTER (WHERE document_source = 'index'),
    count(*) FILTER (WHERE document_source = 'acte')
FROM extraction_queue WHERE status_id = 5
UNION ALL
SELECT 6, count(*) FILTER (WHERE document_source = 'index'),
    count(*) FILTER (WHERE document_source = 'acte')
FROM extraction_queue WHERE status_id = 6

-- name: waiting
-- Everything at status 3, by source and reason. What is in the index of the claim is counted there
-- alone, so that hundreds of thousands cost little; `ready_seconds` tells how long it has been.
SELECT true, document_source::text,
    CASE WHEN document_source::text NOT IN ('index', 'acte') THEN 'unsupported_source' END,
    count(*), extract(epoch FROM clock_timestamp() - min(created_at))::float8, NULL::float8
FROM extraction_queue
WHERE {eligible}
GROUP BY document_source
UNION ALL
SELECT false, document_source::text, reason, count(*),
    extract(epoch FROM clock_timestamp() - min(created_at))::float8,
    extract(epoch FROM clock_timestamp() - min(ready_at))::float8
FROM (
    SELECT document_source, created_at, greatest(created_at, updated_at, ocr_not_before) AS ready_at,
        {block_reason} AS reason
    FROM extraction_queue
    WHERE {unready}
) AS waiting
GROUP BY document_source, reason

-- name: ready_seconds
-- How long the first documents of one source have been ready: since they were last touched, by
-- the extractor or by who retried them. Among the first stands one that waits long, whoever
-- retries some or gives them priority meanwhile.
SELECT extract(epoch FROM clock_timestamp() - min(greatest(created_at, updated_at)))::float8
FROM (
    SELECT created_at, updated_at
    FROM extraction_queue
    WHERE document_source = %(source)s
      AND {eligible}
    ORDER BY ocr_priority DESC, created_at, id
    LIMIT 1000
) AS first

-- name: arrivals
-- What became ready between two times and still waits, counted up to a bound that is far above
-- any pool's reach. A document that was never tried came when it was last touched: the extractor
-- stored it then. The times alone choose the indexes (OFFSET 0): beside the claim's predicate the
-- planner of a table without statistics would rather read all that is ready.
SELECT count(*) FROM (
    SELECT 1
    FROM (
        SELECT *
        FROM extraction_queue
        WHERE status_id = 3
          AND (updated_at > statement_timestamp() - make_interval(secs => %(from_seconds)s)
                AND updated_at <= statement_timestamp() - make_interval(secs => %(to_seconds)s)
            OR created_at > statement_timestamp() - make_interval(secs => %(from_seconds)s)
                AND created_at <= statement_timestamp() - make_interval(secs => %(to_seconds)s))
          AND greatest(created_at, updated_at)
            <= statement_timestamp() - make_interval(secs => %(to_seconds)s)
        OFFSET 0
    ) AS arrived
    WHERE document_source::text IN ('index', 'acte')
      AND coalesce(ocr_attempts, 0) = 0
      AND {eligible}
    LIMIT 10000
) AS bounded

-- name: blocked
-- The oldest examples of each reason. A limit that is not above what there is ends the search
-- at the last one instead of at the end of everything that is blocked.
SELECT example.*
FROM unnest(%(reasons)s::text[], %(limits)s::integer[]) AS wanted (reason, most)
CROSS JOIN LATERAL (
    SELECT id::text, document_number, document_source::text, wanted.reason
    FROM extraction_queue
    WHERE {unready}
      AND {block_reason} = wanted.reason
    ORDER BY created_at, id
    LIMIT wanted.most
) AS example

-- name: unsupported
-- The oldest examples of a source that we do not read; nothing else is wrong with them.
SELECT id::text, document_number, document_source::text, 'unsupported_source'
FROM extraction_queue
WHERE document_source = %(source)s
  AND {eligible}
ORDER BY ocr_priority DESC, created_at, id
LIMIT %(limit)s

-- name: stale
-- Some of the documents that lost their reader, and how many there are.
SELECT count(*) OVER (), id::text, document_number, document_source::text, ocr_worker_id,
    extract(epoch FROM clock_timestamp()
        - coalesce(ocr_lease_until, ocr_started_at, updated_at, created_at))::float8
FROM extraction_queue
WHERE status_id = 6
  AND (ocr_lease_until < clock_timestamp()
       OR (ocr_lease_until IS NULL
           AND coalesce(ocr_started_at, updated_at, created_at, '-infinity')
               < clock_timestamp() - interval '15 minutes'))
ORDER BY ocr_lease_until NULLS FIRST
LIMIT %(limit)s

-- name: flow
-- What left in the earlier and the later half of the window, and what of it also came therein.
-- The statement's time is the same for every row, so that the indexes can find the window.
SELECT
    count(*) FILTER (WHERE left_at <= statement_timestamp() - make_interval(secs => %(seconds)s / 2)),
    count(*) FILTER (WHERE left_at > statement_timestamp() - make_interval(secs => %(seconds)s / 2)),
    count(*) FILTER (WHERE created_at > statement_timestamp() - make_interval(secs => %(seconds)s)
        AND created_at <= statement_timestamp() - make_interval(secs => %(seconds)s / 2)),
    count(*) FILTER (WHERE created_at
        > statement_timestamp() - make_interval(secs => %(seconds)s / 2)),
    count(*) FILTER (WHERE done)
FROM (
    SELECT created_at, ocr_completed_at AS left_at, true AS done
    FROM extraction_queue
    WHERE status_id = 5
      AND ocr_completed_at > statement_timestamp() - make_interval(secs => %(seconds)s)
    UNION ALL
    SELECT created_at, ocr_last_error_at, false
    FROM extraction_queue
    WHERE status_id = 4
      AND ocr_last_error_at > statement_timestamp() - make_interval(secs => %(seconds)s)
) AS gone

-- name: last_activity
-- Seconds since anything was claimed, read or failed; null where nothing ever was.
SELECT extract(epoch FROM clock_timestamp() - greatest(
    (SELECT max(ocr_completed_at) FROM extraction_queue WHERE status_id = 5),
    (SELECT max(ocr_last_error_at) FROM extraction_queue WHERE ocr_last_error_at IS NOT NULL),
    (SELECT max(ocr_started_at) FROM extraction_queue WHERE status_id = 6)))::float8

-- name: recent_errors
SELECT id::text, document_number, document_source::text, ocr_error, ocr_last_error_at,
    coalesce(ocr_attempts, 0), status_id = 4
FROM extraction_queue
WHERE ocr_last_error_at > statement_timestamp() - make_interval(secs => %(seconds)s)
  AND ocr_error IS NOT NULL
ORDER BY ocr_last_error_at DESC
LIMIT %(limit)s

-- name: error_causes
-- The latest failures by cause: words with a digit (pages, ids, sizes, workers) and paths are
-- what differs between failures of one cause.
SELECT count(*), count(*) FILTER (WHERE status_id = 4),
    (array_agg(ocr_error ORDER BY ocr_last_error_at DESC))[1],
    (array_agg(id::text ORDER BY ocr_last_error_at DESC))[1]
FROM (
    SELECT id, status_id, ocr_error, ocr_last_error_at
    FROM extraction_queue
    WHERE ocr_last_error_at > statement_timestamp() - make_interval(secs => %(seconds)s)
      AND ocr_error IS NOT NULL AND ocr_error <> 'cancelled'
      AND status_id IN (3, 4, 6)
    ORDER BY ocr_last_error_at DESC
    LIMIT 1000
) AS latest
GROUP BY regexp_replace(ocr_error, '\S*(?:/|\d)\S*', '#', 'g')
ORDER BY count(*) DESC, 3
LIMIT %(limit)s

-- name: rows
SELECT id::text, document_source::text, document_number, status_id,
    CASE WHEN status_id = 3 THEN {block_reason} END,
    coalesce(ocr_attempts, 0), coalesce(ocr_max_attempts, 3), circonscription_fonciere::text,
    created_at, ocr_completed_at, ocr_confidence, ocr_error
FROM extraction_queue
WHERE (%(status)s::integer[] IS NULL OR status_id = ANY (%(status)s))
  AND (%(source)s::text IS NULL OR document_source::text = %(source)s)
ORDER BY coalesce(updated_at, created_at) DESC NULLS LAST, id
LIMIT %(limit)s

-- name: document
SELECT id::text, document_source::text, document_number, status_id,
    CASE WHEN status_id = 3 THEN {block_reason} END,
    coalesce(ocr_attempts, 0), coalesce(ocr_max_attempts, 3), circonscription_fonciere::text,
    created_at, ocr_completed_at, ocr_confidence, ocr_error,
    supabase_path, cadastre::text, designation_secondaire::text, acte_type::text, ocr_priority,
    ocr_worker_id, ocr_started_at, ocr_lease_until, ocr_not_before,
    file_content, boosted_file_content, ocr_pages::text, ocr_fields::text, ocr_history::text
FROM extraction_queue
WHERE id = %(id)s

-- name: search
-- The best of the documents that hold the words; of very many only some are weighed.
WITH question AS (
    SELECT websearch_to_tsquery('pg_catalog.french', %(grouped)s)
        || websearch_to_tsquery('pg_catalog.french', %(ungrouped)s) AS words
), found AS (
    SELECT id, ts_rank_cd(ocr_search, words, 1) AS rank
    FROM (
        SELECT id, ocr_search, words
        FROM extraction_queue, question
        WHERE ocr_search @@ words
          AND (%(source)s::text IS NULL OR document_source::text = %(source)s)
        LIMIT %(most_weighed)s
    ) AS weighed
), best AS (
    SELECT id, rank, count(*) OVER () AS number
    FROM found
    ORDER BY rank DESC, id
    LIMIT %(limit)s
)
SELECT best.number, best.rank::float8, id::text, document_source::text, document_number,
    ocr_completed_at, left(boosted_file_content, %(most_characters)s), words::text
FROM best JOIN extraction_queue USING (id), question
ORDER BY best.rank DESC, id

-- name: question_words
-- How many words a question asks for; words like `de` and `la` are none.
SELECT numnode(websearch_to_tsquery('pg_catalog.french', %(question)s))

-- name: marked_words
-- The whole text with two signs around each word of the question.
SELECT ts_headline('pg_catalog.french', %(text)s::text, %(words)s::tsquery, %(options)s)

-- name: add
INSERT INTO extraction_queue (document_source, document_number, supabase_path, status_id,
    ocr_priority, circonscription_fonciere, cadastre)
VALUES (%(source)s, %(number)s, %(path)s, 3, %(priority)s, %(circonscription)s, %(cadastre)s)
RETURNING id::text

-- name: retry
-- A document that nobody is reading starts anew.
UPDATE extraction_queue
SET {fresh_start}
WHERE id = %(id)s AND status_id IN (3, 4, 5)
RETURNING true

-- name: retry_failed
-- Failed by us (it has a path and our error), not by the extractor.
UPDATE extraction_queue
SET {fresh_start}
WHERE status_id = 4 AND ocr_error IS NOT NULL
RETURNING id::text

-- name: release
-- Takes a document away from whoever reads it; the fence turns their late result away.
UPDATE extraction_queue
SET status_id = 3, ocr_attempts = greatest(coalesce(ocr_attempts, 1) - 1, 0),
    ocr_worker_id = NULL, ocr_lease_until = NULL, ocr_started_at = NULL, ocr_not_before = NULL,
    updated_at = clock_timestamp(),
    ocr_history = coalesce(ocr_history, '[]'::jsonb) || jsonb_build_object(
        'attempt', ocr_attempts, 'worker_id', ocr_worker_id, 'started_at', ocr_started_at,
        'ended_at', clock_timestamp(), 'outcome', 'given back', 'reason', 'released by hand')
WHERE id = %(id)s AND status_id = 6
RETURNING true

-- name: cancel_waiting
UPDATE extraction_queue
SET status_id = 4, ocr_error = 'cancelled', ocr_last_error_at = clock_timestamp(),
    ocr_not_before = NULL, updated_at = clock_timestamp()
WHERE id = %(id)s AND status_id = 3
RETURNING true

-- name: cancel_reading
UPDATE extraction_queue
SET ocr_cancel_requested = true
WHERE id = %(id)s AND status_id = 6
RETURNING true

-- name: inventory
-- The parts of the table as the server has them now.
SELECT
    ARRAY(SELECT attname::text FROM pg_attribute
        WHERE attrelid = queue.id AND attnum > 0 AND NOT attisdropped),
    ARRAY(SELECT indexrelid::regclass::text FROM pg_index
        WHERE indrelid = queue.id AND indisvalid AND indisready),
    ARRAY(SELECT indexrelid::regclass::text FROM pg_index
        WHERE indrelid = queue.id AND NOT (indisvalid AND indisready)),
    ARRAY(SELECT tgname::text FROM pg_trigger
        WHERE tgrelid = queue.id AND tgenabled <> 'D'),
    ARRAY(SELECT tgname::text FROM pg_trigger
        WHERE tgrelid = queue.id AND tgenabled = 'D')
FROM (SELECT to_regclass('extraction_queue') AS id) AS queue

-- name: trial
-- A document that is only there to be claimed in a transaction that is rolled back.
INSERT INTO extraction_queue (document_source, document_number, supabase_path, status_id)
VALUES (%(source)s, 'verify-setup', 'verify-setup.pdf', 3)

-- name: may_write
SELECT has_table_privilege('extraction_queue', 'SELECT')
    AND has_table_privilege('extraction_queue', 'UPDATE')
