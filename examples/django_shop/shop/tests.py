"""The shop's own tests: ``python manage.py test``. No worker is needed, and no broker."""

import json
from unittest.mock import patch

from django.db import transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.test.testcases import DatabaseOperationForbidden
from shop.models import Order
from shop.workflows import OutOfStock, charge, checkout, move_to, refund, reserve

from durableflow.contrib.django import df
from durableflow.contrib.django.models import Run
from durableflow.testing import Simulation

TEA = {"item": "tea", "cents": 400, "email": "ana@example.org"}


class Placing(TestCase):
    def place(self):
        return self.client.post("/orders/", json.dumps(TEA), content_type="application/json")

    def test_an_order_has_a_run(self):
        with patch.object(type(df), "publisher") as publish, self.captureOnCommitCallbacks(execute=True) as hooks:
            order = self.place().json()
            publish.assert_not_called()
        assert (len(hooks), publish.call_count) == (1, 1)
        run = Run.objects.get(key=f"order-{order['order']}")
        assert (str(run.id), run.state, run.input) == (order["run"], "running", {"order_id": order["order"]})
        shown = self.client.get(f"/orders/{order['order']}/").json()
        assert (shown["state"], shown["run"]) == ("placed", "running")

    def test_an_order_that_is_taken_back_has_none(self):
        with transaction.atomic():
            self.place()
            transaction.set_rollback(True)
        assert (Order.objects.count(), Run.objects.count()) == (0, 0)

    def test_a_parcel_that_is_packed_twice_is_one_event(self):
        order = self.place().json()
        for _ in range(2):
            self.client.post(f"/orders/{order['order']}/packed/")
        events = Run.objects.get(key=f"order-{order['order']}").events.all()
        assert [(event.name, event.payload) for event in events] == [("packed", "parcel 1")]


class Committing(TransactionTestCase):
    def test_a_run_is_there_for_others_when_the_block_has_ended(self):
        with patch.object(type(df), "publisher"):
            with transaction.atomic():
                run = checkout(1).start(key="committed")
            assert run.state == "running"


class Selling(SimpleTestCase):
    def simulate(self):
        simulation = Simulation(df)
        simulation.mock(charge, returns=7)
        simulation.mock(move_to, calls=lambda order_id, state: state)
        simulation.mock(refund, returns=None)
        return simulation

    def test_what_is_not_on_stock_is_paid_back(self):
        simulation = self.simulate()
        simulation.mock(reserve, raises=OutOfStock("lamp"))
        assert simulation.execute(checkout(1)) == "cancelled"

    def test_a_test_that_may_not_use_the_database_cannot_start_a_run(self):
        with self.assertRaises(DatabaseOperationForbidden):  # noqa: PT027
            checkout(1).start()
