"""Addresses of the pages about devices, vehicles and sites."""

from django.urls import path

from saat.web.desk import devices, devices_fleet

urlpatterns = [
    path("", devices.page, name="desk_devices"),
    path("add", devices.add, name="desk_device_add"),
    path("vehicles/", devices_fleet.vehicles, name="desk_vehicles"),
    path("vehicles/add", devices_fleet.vehicle, name="desk_vehicle_add"),
    path("vehicles/<int:vehicle_id>", devices_fleet.vehicle, name="desk_vehicle"),
    path("sites/", devices_fleet.sites, name="desk_sites"),
    path("sites/add", devices_fleet.site, name="desk_site_add"),
    path("sites/<int:site_id>", devices_fleet.site, name="desk_site"),
    path("<int:device_id>", devices.device, name="desk_device"),
    path("<int:device_id>/token", devices.token, name="desk_device_token"),
    path("<int:device_id>/<slug:name>", devices.act, name="desk_device_act"),
]
