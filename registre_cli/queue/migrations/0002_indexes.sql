-- The claim's index: predicate and order are exactly those of the claim, so that its cost
-- grows neither with the done rows, nor with the blocked ones, nor with those backing off.
CREATE INDEX IF NOT EXISTS registre_ready ON extraction_queue
    (document_source, ocr_priority DESC, created_at, id)
    WHERE status_id = 3
      AND ocr_not_before IS NULL
      AND btrim(supabase_path) <> ''
      AND coalesce(file_content, '') = ''
      AND coalesce(ocr_attempts, 0) < coalesce(ocr_max_attempts, 3);

-- Retries whose delay is over are found here and put back into the ready index.
CREATE INDEX IF NOT EXISTS registre_backing_off ON extraction_queue (ocr_not_before)
    WHERE status_id = 3 AND ocr_not_before IS NOT NULL;

-- Lost leases are found here.
CREATE INDEX IF NOT EXISTS registre_reading ON extraction_queue (ocr_lease_until)
    WHERE status_id = 6;

-- Everything that waits, eligible or not: small, whatever the table holds besides.
CREATE INDEX IF NOT EXISTS registre_waiting ON extraction_queue (created_at, id)
    WHERE status_id = 3;

-- Counts of `queue check` by index-only scans.
CREATE INDEX IF NOT EXISTS registre_counts ON extraction_queue (status_id, document_source);

-- Throughput and recent errors.
CREATE INDEX IF NOT EXISTS registre_completed ON extraction_queue (ocr_completed_at)
    WHERE status_id = 5;
CREATE INDEX IF NOT EXISTS registre_errors ON extraction_queue (ocr_last_error_at)
    WHERE ocr_last_error_at IS NOT NULL;
