# @TEST-DOC: A second response of the same size right behind the first, over UDP.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-udp-response-injected.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid note msg sub src dst melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="name addl" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f analyzer.log
