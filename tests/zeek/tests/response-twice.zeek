# @TEST-DOC: A response that comes twice, and one that nobody asked for.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-4e-response-twice.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid name addl source" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f analyzer.log
