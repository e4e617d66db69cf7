# @TEST-DOC: Commands that the definition does not have are logged by their number.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-unknown-command.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
