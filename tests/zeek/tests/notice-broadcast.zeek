# @TEST-DOC: A remote STOP by broadcast names the controller that answered.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-udp-remote-stop.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="note src dst melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
