# @TEST-DOC: Another protocol on a hinted port is declined: no log, no service.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/foreign-http.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f melsec.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
