"""A city whose truth is known: rounds on real or drawn streets, trucks that drive them, trackers that tell of it badly.

Nothing here is real and everything says so: plans carry `simulated`, positions carry `Flag.SIMULATED`. The same seed
gives the same night, position for position. What is simulated, and what it leaves out, is in docs/evaluation.md.
"""

from saat.rounds.simulation.night import Night, drive
from saat.rounds.simulation.planning import make_city
from saat.rounds.simulation.streets import Plane, Streets
from saat.rounds.simulation.troubles import How, RunTruth, StopTruth, Trouble, Troubles

__all__ = ["How", "Night", "Plane", "RunTruth", "StopTruth", "Streets", "Trouble", "Troubles", "drive", "make_city"]
