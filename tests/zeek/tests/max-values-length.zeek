# @TEST-DOC: Values that are longer than what is logged of them.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-poll.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid name addl source" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f analyzer.log

redef MELSEC::log_values = T;
redef MELSEC::max_values_length = 9;
