// The map beside the list: the city's own outlines and streets, and the very cases of the list.
import { EMPTY, json, openMap } from "./ground.js";
import { fill, texts } from "./texts.js";

/**
 * Show the map in `box`. query(): what the list is asked for; onPick(id): a case was clicked.
 * Returns {refresh(), point(id, lat, lon), bounds()}; rejects where it cannot be shown.
 */
export async function showMap({ box, query, onPick, onMove }) {
  const { map, maplibregl, streets, still } = await openMap({ box, upper });
  const shown = new Shown({ maplibregl, map, box, query, onPick, streets, still });
  map.on("moveend", () => {
    shown.refresh();
    onMove(shown.bounds());
  });
  await shown.refresh();
  return shown;
}

class Shown {
  constructor(given) {
    Object.assign(this, given);
    this.popup = null;
    this.map.on("click", "cases", (event) => this.clicked(event.features[0]));
    this.map.on("mouseenter", "cases", () => (this.map.getCanvas().style.cursor = "pointer"));
    this.map.on("mouseleave", "cases", () => (this.map.getCanvas().style.cursor = ""));
  }

  bounds() {
    const box = this.map.getBounds();
    return [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((side) => side.toFixed(5)).join(",");
  }

  /** Read the cases of this part of the map anew; of several requests only the latest answer is drawn. */
  async refresh() {
    const asked = (this.asked = (this.asked || 0) + 1);
    const zoom = this.map.getZoom().toFixed(2);
    try {
      const cases = await json(`${this.box.dataset.cases}?bbox=${this.bounds()}&zoom=${zoom}&${this.query()}`);
      if (asked !== this.asked) return;
      this.map.getSource("cases").setData(cases);
      this.box.dataset.drawn = String(cases.features.length);
      this.note(cases);
    } catch {
      // The stream's banner tells that the connection is lost; the map keeps what it shows.
    }
  }

  note({ cut, placeless }) {
    const said = [
      this.streets.schematic ? texts().schematic : "",
      cut ? texts().cut : "",
      placeless ? fill(texts().placeless, { n: placeless }) : "",
      this.streets.attribution || "",
    ].filter(Boolean);
    const box = document.getElementById("map-note");
    box.textContent = said.join(" · ");
    box.hidden = !said.length;
  }

  clicked(feature) {
    const { case: id, count } = feature.properties;
    const centre = feature.geometry.coordinates;
    if (count) {
      this.go({ center: centre, zoom: Math.min(17, this.map.getZoom() + 2) });
      return;
    }
    this.card(feature);
    this.ring(centre);
    this.onPick(id);
  }

  card({ properties, geometry }) {
    this.popup?.remove();
    const card = document.createElement("div");
    card.className = "map-card";
    const link = document.createElement("a");
    link.href = `/desk/cases/${properties.case}`;
    link.textContent = `${properties.category} ${properties.code}`;
    const line = document.createElement("p");
    line.textContent = `${properties.state} · ${texts().marks[properties.mark]}`;
    card.append(link, line);
    this.popup = new this.maplibregl.Popup({ offset: 14, closeButton: false, focusAfterOpen: false })
      .setLngLat(geometry.coordinates)
      .setDOMContent(card)
      .addTo(this.map);
  }

  ring(centre) {
    this.map.getSource("current").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: centre } });
  }

  /** Mark a case; move: bring it into view, too. */
  point({ lat, lon }, { move = false } = {}) {
    this.ring([lon, lat]);
    const outside = !this.map.getBounds().contains([lon, lat]);
    if (move) this.go({ center: [lon, lat], zoom: Math.max(15, this.map.getZoom()) });
    else if (outside) this.go({ center: [lon, lat] });
  }

  go(to) {
    if (this.still) this.map.jumpTo(to);
    else this.map.easeTo({ ...to, duration: 300 });
  }
}

/** What lies on the ground here: the cases, and a ring around the one looked at. */
function upper(paint) {
  return {
    sources: { cases: { type: "geojson", data: EMPTY }, current: { type: "geojson", data: EMPTY } },
    layers: [
      { id: "current", type: "circle", source: "current", paint: { "circle-radius": 20, "circle-opacity": 0, "circle-stroke-width": 4, "circle-stroke-color": paint.focus } },
      {
        id: "cases",
        type: "symbol",
        source: "cases",
        layout: {
          "icon-image": ["case", ["has", "count"], ["concat", "cluster-", ["get", "mark"], "-", ["to-string", ["get", "count"]]], ["concat", "mark-", ["get", "mark"]]],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
          "symbol-sort-key": ["match", ["get", "mark"], "danger", 4, "overdue", 3, "untaken", 2, "taken", 1, 0],
        },
      },
    ],
  };
}
