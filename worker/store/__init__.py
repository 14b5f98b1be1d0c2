"""The PostgreSQL store: its schema and every SQL statement. Only this package imports psycopg."""
