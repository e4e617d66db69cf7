# @TEST-DOC: An engineering tool connects to an iQ-R CPU over TCP.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-session.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
