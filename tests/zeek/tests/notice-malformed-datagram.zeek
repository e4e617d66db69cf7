# @TEST-DOC: Datagrams that are no PDU on the port of a CPU, which says nothing more.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-udp-crash.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid note msg sub src dst melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f analyzer.log
