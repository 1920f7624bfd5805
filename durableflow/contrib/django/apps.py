"""The Django app: what happens when Django has loaded its models."""

from contextlib import suppress

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class DurableFlowConfig(AppConfig):
    """``"durableflow.contrib.django"`` in INSTALLED_APPS.

    In every process of the project: makes ``df``, which adopts the Celery app, and imports ``workflows.py`` of every
    installed app, so that web processes can start what the workers can run. In workers: keeps Django's connections
    fresh.
    """

    name = "durableflow.contrib.django"
    label = "durableflow"
    verbose_name = "durableflow"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Raises ImproperlyConfigured where the Celery app is not found: a worker without its workflows, or a page
        that cannot start one, would be found out much later."""
        from durableflow.contrib.django import df, hygiene, schema
        from durableflow.contrib.django.checks import check_schema, check_settings

        checks.register(check_settings)
        checks.register(check_schema, checks.Tags.database)
        with suppress(ImproperlyConfigured):  # the checks tell, and whoever uses df
            df.home.url()  # looked at before a test runner puts another database in its place
        post_migrate.connect(schema.migrate_with_django, sender=self, dispatch_uid="durableflow")
        hygiene.install()
        autodiscover_modules("workflows")
