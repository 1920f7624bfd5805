import json

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from shop.models import Order
from shop.workflows import checkout

from durableflow.contrib.django import df
from durableflow.contrib.django.models import Run


@csrf_exempt
@require_POST
@transaction.atomic
def place(request: HttpRequest) -> JsonResponse:
    """The order and its run exist together, or not at all."""
    order = Order.objects.create(**json.loads(request.body))
    run = checkout(order.pk).start(key=f"order-{order.pk}", labels={"order": str(order.pk)})
    return JsonResponse({"order": order.pk, "run": str(run.id)}, status=201)


def show(request: HttpRequest, order_id: int) -> JsonResponse:
    """Where the order is, and what its run waits for."""
    order = get_object_or_404(Order, pk=order_id)
    run = get_object_or_404(Run, key=f"order-{order_id}")
    return JsonResponse({"state": order.state, "run": run.state, "waiting_for": run.waiting_for})


@csrf_exempt
@require_POST
@transaction.atomic
def packed(request: HttpRequest, order_id: int) -> JsonResponse:
    """Somebody has packed it: the run hears of it if, and only if, that is written down."""
    order = get_object_or_404(Order.objects.select_for_update(), pk=order_id)
    order.state = "packed"
    order.save()
    run = get_object_or_404(Run, key=f"order-{order_id}")
    df.run(run.id).send("packed", "parcel 1", id=f"packed-{order_id}")
    return JsonResponse({"state": order.state})
