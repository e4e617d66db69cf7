# @TEST-DOC: Polling in 4E binary frames over TCP: serial numbers.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-4e-poll.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
