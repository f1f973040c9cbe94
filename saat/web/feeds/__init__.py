"""What is given away: feeds for apps, maps and other systems, without a key, of what is public anyway."""
