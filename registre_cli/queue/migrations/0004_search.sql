-- Searching the corrected texts. The column generates itself, so that a text of whichever program
-- is found, and old rows get theirs without their triggers being fired.

-- The words of a text as French, whatever its accents: letters lose theirs, and with them the
-- difference of `publiée` and `publié`, which the stemmer no longer sees. Signs within words become
-- blanks, or the parser would take 283-359 for a negative number and others for addresses or markup.
-- A tsvector holds 1 MB. A text of more words is found by its beginning only, because a result must
-- never fail to be stored for it: 100,000 characters cannot pass that limit, the dearest are letters
-- of 4 bytes between blanks, at 8 bytes for 2 characters.
CREATE OR REPLACE FUNCTION registre_search_vector(content text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    most_characters integer;
    plain text;
BEGIN
    FOREACH most_characters IN ARRAY ARRAY[1000000, 400000, 100000] LOOP
        plain := pg_catalog.left(content, most_characters);
        plain := pg_catalog.replace(pg_catalog.replace(plain, 'œ', 'oe'), 'Œ', 'OE');
        plain := pg_catalog.replace(pg_catalog.replace(plain, 'æ', 'ae'), 'Æ', 'AE');
        plain := pg_catalog.translate(plain,
            E'ÀÁÂÃÄÅàáâãäåÇçÈÉÊËèéêëÌÍÎÏìíîïÑñÒÓÔÕÖòóôõöÙÚÛÜùúûüÝŸýÿ'
                '-_./:@&<>+~\u00ad\u0300\u0301\u0302\u0308\u0327',
            'AAAAAAaaaaaaCcEEEEeeeeIIIIiiiiNnOOOOOoooooUUUUuuuuYYyy           ');
        plain := pg_catalog.regexp_replace(plain,
            '([A-Za-z]{2}[Ee])[Ee](?=[Ss]?(?![A-Za-z0-9]))', '\1', 'g');
        BEGIN
            RETURN pg_catalog.to_tsvector('pg_catalog.french', plain);
        EXCEPTION WHEN program_limit_exceeded THEN
            NULL;
        END;
    END LOOP;
    RETURN ''::pg_catalog.tsvector;
END
$$;

-- Whoever writes a text needs it, the extractor too.
GRANT EXECUTE ON FUNCTION registre_search_vector(text) TO PUBLIC;

ALTER TABLE extraction_queue
    ADD COLUMN IF NOT EXISTS ocr_search tsvector
        GENERATED ALWAYS AS (registre_search_vector(boosted_file_content)) STORED;

CREATE INDEX IF NOT EXISTS registre_search ON extraction_queue USING gin (ocr_search);
