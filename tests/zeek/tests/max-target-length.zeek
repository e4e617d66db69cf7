# @TEST-DOC: A target that is longer than what is logged of it.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-poll.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid name addl source" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f analyzer.log

redef MELSEC::max_target_length = 4;
