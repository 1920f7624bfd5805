"""What `celery -A tests.contrib.flask.serving:celery worker` loads."""

from tests.contrib.flask import shop

app = shop.create_app()
df = shop.df
celery = df.celery
