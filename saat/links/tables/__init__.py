"""Tables and maps that other systems export: CSV, XLSX, YAML and GeoJSON files in, rows in our own words out."""
