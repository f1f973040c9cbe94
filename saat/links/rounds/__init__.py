"""Collection plans that others keep: tables, maps, GTFS folders and two cities' own files in, round drafts out.

Whatever the file, it first becomes plan rows, one for each stop of a round, in the columns of `parts.COLUMNS`; that is
also the CSV that Saat reads without a mapping, and the one into which rows that could not be taken are written.
"""
