# @TEST-DOC: A response after the wait has ended stands alone, and is said to be late.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-late-response.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid name addl source" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f analyzer.log
