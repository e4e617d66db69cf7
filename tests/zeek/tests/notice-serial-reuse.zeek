# @TEST-DOC: A write under the serial number of a read that waits.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-4e-serial-reuse.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid note msg sub src dst melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f analyzer.log
