from django.db import models


class Order(models.Model):
    """What a customer wants. Its run has the key ``order-<id>``."""

    email = models.EmailField()
    item = models.CharField(max_length=100)
    cents = models.PositiveIntegerField()
    state = models.CharField(max_length=20, default="placed")

    def __str__(self) -> str:
        return f"order {self.pk} ({self.item})"


class Payment(models.Model):
    """Money that was taken. The step's idempotency key keeps it from being taken twice."""

    order = models.ForeignKey(Order, models.CASCADE)
    key = models.CharField(max_length=100, unique=True)
    cents = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.cents} for {self.order}"
