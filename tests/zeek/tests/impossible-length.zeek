# @TEST-DOC: A length that no PDU has: the next PDU is parsed.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-impossible-length.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid name addl source" weird.log > weird.cut && btest-diff weird.cut
# @TEST-EXEC: test ! -f analyzer.log
