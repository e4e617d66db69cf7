# @TEST-DOC: A request beyond the limit pushes out the oldest, which is logged unanswered.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-remote-stop-coalesced.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid name addl source" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f analyzer.log

redef MELSEC::max_pending_requests = 1;
