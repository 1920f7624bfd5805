"""durableflow beside Celery itself, on the same broker and the same workers, as ratios."""
