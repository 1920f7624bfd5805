import json
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.test import Client
from shop.models import Payment

from durableflow.contrib.django import df
from durableflow.contrib.django.models import Run

ORDERS = (
    {"item": "tea", "cents": 400, "email": "ana@example.org"},
    {"item": "pot", "cents": 1500, "email": "ben@example.org"},
    {"item": "lamp", "cents": 4500, "email": "eva@example.org"},
)


class Command(BaseCommand):
    help = "Places three orders, packs what can be packed, and shows how their runs ended. Needs a worker."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        shop = Client()
        placed = [shop.post("/orders/", json.dumps(order), content_type="application/json").json() for order in ORDERS]
        for order in placed[:2]:
            shop.post(f"/orders/{order['order']}/packed/")
        runs = [df.run(order["run"]) for order in placed]
        for order, run in zip(placed, runs, strict=True):
            self.stdout.write(f"order {order['order']}: {run.result(timeout=60)}")
        for row in Run.objects.filter(id__in=[run.id for run in runs]).order_by("id"):
            steps = ", ".join(step.name for step in row.steps.order_by("rev", "index"))
            self.stdout.write(f"{row.key} {row.state}: {steps}")
        taken = list(Payment.objects.filter(order__in=[order["order"] for order in placed]).order_by("order"))
        self.stdout.write(f"paid: {[payment.cents for payment in taken]}")
