"""Everything that is made from the definition: Zeek, Suricata, captures, pages."""
