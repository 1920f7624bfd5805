from django.contrib import admin
from shop.models import Order, Payment

admin.site.register(Order, list_display=("id", "item", "email", "state"))
admin.site.register(Payment, list_display=("order", "cents"))
