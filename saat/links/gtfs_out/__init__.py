"""GTFS as we give it away: the timetable as a zip (`timetable`), and what is known now (`realtime`).

A round is a route, a version of its plan a trip, a run that trip on one date. Stops have the numbers that the public
knows. Waste is collected by no kind of transport that GTFS names, so routes are of the extended type 1700,
"miscellaneous service".
"""
