# @TEST-DOC: The analyzers are there.
#
# @TEST-EXEC: zeek -NN | grep -q ANALYZER_MELSEC_TCP
# @TEST-EXEC: zeek -NN | grep -q ANALYZER_MELSEC_UDP
