# Columns of a Zeek log by name: columns="uid service". zeek-cut is not part of every Zeek.
BEGIN { FS = OFS = "\t" }
/^#fields/ { for ( i = 2; i <= NF; ++i ) place[$i] = i - 1; next }
/^#/ { next }
{
	n = split(columns, names, " ")
	line = ""
	for ( i = 1; i <= n; ++i )
		line = line (i > 1 ? OFS : "") (names[i] in place ? $(place[names[i]]) : "(absent)")
	print line
}
