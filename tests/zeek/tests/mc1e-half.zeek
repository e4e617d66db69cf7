# @TEST-DOC: 1E requests that nobody answers prove nothing: no log, no service.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/mc1e-half.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f melsec.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
