"""For workers: a module that makes the application. `durableflow worker examples.flask_app.worker:df`."""

from examples.flask_app.app import create_app
from examples.flask_app.postcards import df

flask_app = create_app()
celery_app = df.celery  # for `celery -A examples.flask_app.worker:celery_app worker`

__all__ = ["celery_app", "df", "flask_app"]
