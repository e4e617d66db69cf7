# @TEST-DOC: Several targets in octal: each is written by itself.
#
# @TEST-EXEC: zeek -b ${PACKAGE} %INPUT > output && btest-diff output

module MELSEC;

event zeek_init()
	{
	print octal_target("X1F,Y10-Y1F,D10,X8-XF");
	}
