"""PostgreSQL: the schema, and every statement that is sent to it. The only package that imports psycopg."""
