-- The table itself, where there is none; otherwise the columns that are missing.
-- Additive only: the table may belong to others. No default below rewrites the table.

CREATE TABLE IF NOT EXISTS extraction_queue (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    document_source text NOT NULL,
    document_number text NOT NULL,
    status_id integer DEFAULT 1,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

ALTER TABLE extraction_queue
    ADD COLUMN IF NOT EXISTS circonscription_fonciere text,
    ADD COLUMN IF NOT EXISTS cadastre text,
    ADD COLUMN IF NOT EXISTS designation_secondaire text,
    ADD COLUMN IF NOT EXISTS acte_type text,
    ADD COLUMN IF NOT EXISTS supabase_path text,
    ADD COLUMN IF NOT EXISTS file_content text,
    ADD COLUMN IF NOT EXISTS created_at timestamptz DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at timestamptz DEFAULT now(),
    ADD COLUMN IF NOT EXISTS boosted_file_content text,
    ADD COLUMN IF NOT EXISTS ocr_worker_id text,
    ADD COLUMN IF NOT EXISTS ocr_started_at timestamptz,
    ADD COLUMN IF NOT EXISTS ocr_completed_at timestamptz,
    ADD COLUMN IF NOT EXISTS ocr_attempts integer,
    ADD COLUMN IF NOT EXISTS ocr_max_attempts integer,
    ADD COLUMN IF NOT EXISTS ocr_error text,
    ADD COLUMN IF NOT EXISTS ocr_last_error_at timestamptz,
    ADD COLUMN IF NOT EXISTS ocr_priority integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS ocr_lease_until timestamptz,
    ADD COLUMN IF NOT EXISTS ocr_not_before timestamptz,
    ADD COLUMN IF NOT EXISTS ocr_cancel_requested boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS ocr_confidence real,
    ADD COLUMN IF NOT EXISTS ocr_pages jsonb,
    ADD COLUMN IF NOT EXISTS ocr_fields jsonb,
    ADD COLUMN IF NOT EXISTS ocr_history jsonb;

-- Status 6 in the table of status names, where status_id refers to one.
DO $$
DECLARE
    names regclass;
    key_column name;
    name_column name;
BEGIN
    SELECT reference.confrelid, key.attname INTO names, key_column
    FROM pg_constraint AS reference
    JOIN pg_attribute AS ours
      ON ours.attrelid = reference.conrelid AND ours.attnum = reference.conkey[1]
    JOIN pg_attribute AS key
      ON key.attrelid = reference.confrelid AND key.attnum = reference.confkey[1]
    WHERE reference.contype = 'f'
      AND reference.conrelid = 'extraction_queue'::regclass
      AND ours.attname = 'status_id'
      AND cardinality(reference.conkey) = 1
    LIMIT 1;
    IF names IS NULL THEN
        RETURN;
    END IF;
    SELECT attname INTO name_column
    FROM pg_attribute
    WHERE attrelid = names AND attnum > 0 AND NOT attisdropped
      AND attname <> key_column AND atttypid IN ('text'::regtype, 'varchar'::regtype)
    ORDER BY attnotnull DESC, attnum
    LIMIT 1;
    IF name_column IS NULL THEN
        EXECUTE format('INSERT INTO %s (%I) VALUES (6) ON CONFLICT DO NOTHING', names, key_column);
    ELSE
        EXECUTE format(
            'INSERT INTO %s (%I, %I) VALUES (6, %L) ON CONFLICT DO NOTHING',
            names, key_column, name_column, 'OCR en traitement'
        );
    END IF;
END
$$;
