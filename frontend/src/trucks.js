// The pages about trucks: live, replay. Each works as a plain page; a script adds the map and keeps it up to date.
import { liveTrucks } from "./lib/trucks/live.js";
import { replay } from "./lib/trucks/replay.js";

liveTrucks();
replay();
