-- What `queue check` asks must not cost more because much waits and is in order.

-- Whatever is at status 3 and not in the index registre_ready.
CREATE INDEX IF NOT EXISTS registre_blocked ON extraction_queue (created_at, id)
    WHERE status_id = 3
      AND (ocr_not_before IS NULL
           AND btrim(supabase_path) <> ''
           AND coalesce(file_content, '') = ''
           AND coalesce(ocr_attempts, 0) < coalesce(ocr_max_attempts, 3)) IS NOT TRUE;

-- The latest arrivals: by these a backlog is seen to grow.
CREATE INDEX IF NOT EXISTS registre_arrived ON extraction_queue (updated_at)
    WHERE status_id = 3;
