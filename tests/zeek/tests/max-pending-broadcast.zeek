# @TEST-DOC: The same limit for requests to the broadcast address.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-udp-session.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="client server command request_len response_len" melsec.log > melsec.cut && btest-diff melsec.cut
# @TEST-EXEC: test ! -f reporter.log

redef MELSEC::max_pending_requests = 0;
