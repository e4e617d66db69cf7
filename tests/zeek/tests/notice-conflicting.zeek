# @TEST-DOC: A second response, of another size.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-4e-response-conflicting.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid note msg sub src dst melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="name addl" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f analyzer.log
