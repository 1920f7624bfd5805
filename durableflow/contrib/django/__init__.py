"""durableflow in a Django project: put ``"durableflow.contrib.django"`` into INSTALLED_APPS.

``from durableflow.contrib.django import df`` is the project's application. It is made when it is first asked for, from
Django's settings, and adopts the project's Celery app where there is one (see `conf`).
"""

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durableflow.contrib.django.flow import DjangoFlow

    df: DjangoFlow
    """The project's application."""

__all__ = ["df"]

_making = threading.RLock()


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "df":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from durableflow.contrib.django.conf import celery_app
        from durableflow.contrib.django.flow import DjangoFlow

        with _making:
            app = celery_app()
            # To import the Celery app's module may have been to come by here, and to make it.
            if "df" not in globals():
                globals()["df"] = DjangoFlow(app)
            return globals()["df"]
