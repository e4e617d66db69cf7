# @TEST-DOC: The value 1002 written to a register is no remote STOP.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-write-value-1002.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="note melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
