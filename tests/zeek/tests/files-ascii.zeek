# @TEST-DOC: Content in ASCII is that of the octets.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-4e-ascii-parameter-write.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="ts uid client server protocol action object details bytes missing_bytes sha256 status status_name user requests" melsec_engineering.log > melsec_engineering.cut && btest-diff melsec_engineering.cut
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid source filename is_orig seen_bytes missing_bytes timedout md5 sha256" files.log > files.cut && btest-diff files.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f analyzer.log
