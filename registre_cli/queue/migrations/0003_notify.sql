-- Tells listening pools that a document became ready. PostgreSQL folds equal messages of one
-- transaction into one, so that a bulk load costs one message for each source.
CREATE OR REPLACE FUNCTION registre_notify_ready() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('registre_ready', NEW.document_source::text);
    RETURN NULL;
END
$$;

DROP TRIGGER IF EXISTS registre_ready ON extraction_queue;
CREATE TRIGGER registre_ready
    AFTER INSERT OR UPDATE OF status_id, ocr_not_before, supabase_path ON extraction_queue
    FOR EACH ROW
    WHEN (NEW.status_id = 3 AND NEW.ocr_not_before IS NULL)
    EXECUTE FUNCTION registre_notify_ready();
