"""What `celery -A tests.contrib.flask.serving worker` and `durableflow worker tests.contrib.flask.serving:df` load."""

from tests.contrib.flask import shop

app = shop.create_app()
df = shop.df
celery = df.celery
