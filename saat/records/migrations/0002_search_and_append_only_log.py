"""Index the words of cases, and let the log only grow. Each database has its own means for both."""

from django.db import migrations

SQLITE = [
    """
    CREATE VIRTUAL TABLE records_case_words USING fts5(
        words, content='records_casesearch', content_rowid='case_id', detail='none',
        tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'"
    )
    """,
    """
    CREATE TRIGGER case_words_added AFTER INSERT ON records_casesearch BEGIN
        INSERT INTO records_case_words(rowid, words) VALUES (new.case_id, new.words);
    END
    """,
    """
    CREATE TRIGGER case_words_removed AFTER DELETE ON records_casesearch BEGIN
        INSERT INTO records_case_words(records_case_words, rowid, words) VALUES ('delete', old.case_id, old.words);
    END
    """,
    """
    CREATE TRIGGER case_words_changed AFTER UPDATE ON records_casesearch BEGIN
        INSERT INTO records_case_words(records_case_words, rowid, words) VALUES ('delete', old.case_id, old.words);
        INSERT INTO records_case_words(rowid, words) VALUES (new.case_id, new.words);
    END
    """,
    """
    CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON records_event BEGIN
        SELECT RAISE(ABORT, 'the log is append-only: an event cannot be changed');
    END
    """,
    """
    CREATE TRIGGER event_is_not_deleted BEFORE DELETE ON records_event BEGIN
        SELECT RAISE(ABORT, 'the log is append-only: an event cannot be deleted');
    END
    """,
]
SQLITE_BACK = [
    "DROP TRIGGER event_is_not_deleted",
    "DROP TRIGGER event_is_not_changed",
    "DROP TRIGGER case_words_changed",
    "DROP TRIGGER case_words_removed",
    "DROP TRIGGER case_words_added",
    "DROP TABLE records_case_words",
]
POSTGRESQL = [
    "CREATE INDEX case_words ON records_casesearch USING gin (string_to_array(words, ' '))",
    """
    CREATE FUNCTION saat_event_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the log is append-only: an event cannot be changed or deleted';
    END $$
    """,
    """
    CREATE TRIGGER event_is_kept BEFORE UPDATE OR DELETE ON records_event
    FOR EACH ROW EXECUTE FUNCTION saat_event_is_kept()
    """,
]
POSTGRESQL_BACK = [
    "DROP TRIGGER event_is_kept ON records_event",
    "DROP FUNCTION saat_event_is_kept()",
    "DROP INDEX case_words",
]


def _run(statements):
    def run(apps, schema_editor):
        chosen = statements[schema_editor.connection.vendor]
        with schema_editor.connection.cursor() as cursor:
            for statement in chosen:
                cursor.execute(statement)

    return run


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]
    operations = [
        migrations.RunPython(
            _run({"sqlite": SQLITE, "postgresql": POSTGRESQL}),
            _run({"sqlite": SQLITE_BACK, "postgresql": POSTGRESQL_BACK}),
        ),
    ]
