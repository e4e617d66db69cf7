# @TEST-DOC: Connections to a port on which a controller has answered are counted.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-connection-exhaustion.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid note msg sub src dst melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
