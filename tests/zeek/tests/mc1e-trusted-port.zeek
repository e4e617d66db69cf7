# @TEST-DOC: On a port that is said to speak 1E, requests are believed without an answer.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/mc1e-half.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: test ! -f reporter.log

redef MELSEC::trusted_ports += { 5551/tcp };
redef likely_server_ports += { 5551/tcp };
